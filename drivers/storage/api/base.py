# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of the driver share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.storage.lifecycle import Storage
from drivers.storage.pool import ManagedPool, ManagedVolume
from virtd.refs import StoragePoolRef, StorageVolRef


class Part:
    """A subject of the API."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def pool(self, ref: StoragePoolRef) -> ManagedPool:
        """The pool a client means.  Raises NO_STORAGE_POOL."""
        return self._storage.pools.by_ref(ref)

    def active(self, ref: StoragePoolRef) -> ManagedPool:
        """The same, if it is active.

        Raises:
            VirtError: OPERATION_INVALID.
        """
        pool = self.pool(ref)
        pool.check_active()
        return pool

    @asynccontextmanager
    async def locked(self, ref: StoragePoolRef) -> AsyncIterator[ManagedPool]:
        """The pool a client means, for one caller alone; it may have gone while we waited.

        Raises:
            VirtError: NO_STORAGE_POOL.
        """
        async with self.pool(ref).lock:
            yield self.pool(ref)

    @asynccontextmanager
    async def locked_volume(self, ref: StorageVolRef) -> AsyncIterator[tuple[ManagedPool, ManagedVolume]]:
        """A volume nobody works with, and its pool, for one caller alone.

        Raises:
            VirtError: NO_STORAGE_POOL, NO_STORAGE_VOL, OPERATION_INVALID.
        """
        async with self._storage.pools.pool_of(ref).lock:
            pool, volume = self.volume(ref)
            volume.check_idle()
            yield pool, volume

    def volume(self, ref: StorageVolRef) -> tuple[ManagedPool, ManagedVolume]:
        """The volume a client means, with its pool.  Raises NO_STORAGE_POOL, NO_STORAGE_VOL, OPERATION_INVALID."""
        return self._storage.pools.volume_of(ref)
