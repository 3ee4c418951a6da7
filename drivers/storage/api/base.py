# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of the driver share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.storage.access import PoolAccess
from drivers.storage.lifecycle import Storage
from drivers.storage.pool import ManagedPool, ManagedVolume
from drivers.storage.pools import PoolList
from virtd.refs import StoragePoolRef, StorageVolRef


class Part(PoolAccess):
    """A subject of the API."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def pools(self) -> PoolList:
        """All of this host."""
        return self._storage.pools

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
        async with self.pools.pool_of(ref).lock:
            pool, volume = self.volume(ref)
            volume.check_idle()
            yield pool, volume
