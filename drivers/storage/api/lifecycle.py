# SPDX-License-Identifier: LGPL-2.1-or-later
"""Building, starting, refreshing, stopping and deleting pools."""

from __future__ import annotations

from conf.storage import parse_pool
from drivers.storage import directory
from drivers.storage.api.base import Part
from drivers.storage.backends import check_definable, check_startable
from drivers.storage.pool import ManagedPool
from virtd.enums import StoragePoolBuildFlags as Build
from virtd.enums import StoragePoolCreateFlags as Create
from virtd.enums import StoragePoolEventLifecycleType as Lifecycle
from virtd.errors import check_flags
from virtd.refs import StoragePoolRef
from virtd.threads import in_thread

_CREATE = Create.WITH_BUILD | Create.WITH_BUILD_OVERWRITE | Create.WITH_BUILD_NO_OVERWRITE


class LifecycleApi(Part):
    """virStoragePoolCreate…, Build, Refresh, Destroy, Delete."""

    async def storage_pool_create_xml(self, xml: str, flags: int) -> StoragePoolRef:
        """virStoragePoolCreateXML: start a pool that is stored nowhere, or a stored one with another definition."""
        check_flags(flags, _CREATE, "storagePoolCreateXML")
        definition = parse_pool(xml)
        check_definable(definition)
        known = self._storage.pools.place(definition, to_run=True)
        pool = known or ManagedPool(definition)
        before = pool.definition
        if known is None:
            self._storage.pools.add(pool)
        async with pool.lock:
            pool.check_inactive("already active")
            pool.definition = definition
            try:
                await self._start(pool, flags)
            except BaseException:
                pool.definition = before
                if known is None:
                    self._storage.pools.remove(pool)
                raise
            pool.redefinition = before if pool.persistent else None
        return pool.ref

    async def storage_pool_create(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolCreate."""
        check_flags(flags, _CREATE, "storagePoolCreate")
        async with self.locked(pool) as found:
            found.check_inactive("already active")
            await self._start(found, flags)

    async def _start(self, pool: ManagedPool, flags: int) -> None:
        check_startable(pool.definition)
        if flags & Create.WITH_BUILD_OVERWRITE:
            await self._storage.build(pool, Build.OVERWRITE)
        elif flags & Create.WITH_BUILD_NO_OVERWRITE:
            await self._storage.build(pool, Build.NO_OVERWRITE)
        elif flags & Create.WITH_BUILD:
            await self._storage.build(pool, Build.NEW)
        await self._storage.start(pool)

    async def storage_pool_build(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolBuild."""
        async with self.locked(pool) as found:
            found.check_inactive("already active")
            await self._storage.build(found, flags)
        self._storage.tell(found, Lifecycle.CREATED)

    async def storage_pool_refresh(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolRefresh."""
        check_flags(flags, 0, "storagePoolRefresh")
        async with self.locked(pool) as found:
            found.check_active()
            found.check_quiet()
            await self._storage.refresh(found)

    async def storage_pool_destroy(self, pool: StoragePoolRef) -> None:
        """virStoragePoolDestroy."""
        async with self.locked(pool) as found:
            found.check_active()
            found.check_quiet()
            await self._storage.stop(found)

    async def storage_pool_delete(self, pool: StoragePoolRef, flags: int) -> None:
        """virStoragePoolDelete."""
        async with self.locked(pool) as found:
            found.check_inactive()
            found.check_quiet()
            check_startable(found.definition)
            check_flags(flags, 0, "virStorageBackendDeleteLocal")
            await in_thread(directory.delete, found.definition)
        self._storage.tell(found, Lifecycle.DELETED)
