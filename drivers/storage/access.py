# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the parts of a driver find the pools and volumes that a client means."""

from __future__ import annotations

from drivers.storage.pool import ManagedPool, ManagedVolume
from drivers.storage.pools import PoolList
from virtd.refs import StoragePoolRef, StorageVolRef


class PoolAccess:
    """A part of a driver that has pools."""

    @property
    def pools(self) -> PoolList:
        """Those that the caller may mean."""
        raise NotImplementedError

    def pool(self, ref: StoragePoolRef) -> ManagedPool:
        """The pool a client means.  Raises NO_STORAGE_POOL."""
        return self.pools.by_ref(ref)

    def active(self, ref: StoragePoolRef) -> ManagedPool:
        """The same, if it is active.

        Raises:
            VirtError: OPERATION_INVALID.
        """
        pool = self.pool(ref)
        pool.check_active()
        return pool

    def volume(self, ref: StorageVolRef) -> tuple[ManagedPool, ManagedVolume]:
        """The volume a client means, with its pool.  Raises NO_STORAGE_POOL, NO_STORAGE_VOL, OPERATION_INVALID."""
        return self.pools.volume_of(ref)
