# SPDX-License-Identifier: LGPL-2.1-or-later
"""The storage driver: pools and volumes of this host, for all hypervisors that use them."""

from __future__ import annotations

import logging
from typing import ClassVar

from drivers.base import Environment, StorageDriver
from drivers.storage import persistence
from drivers.storage.api.creation import CreationApi
from drivers.storage.api.definition import DefinitionApi
from drivers.storage.api.lifecycle import LifecycleApi
from drivers.storage.api.lookup import PoolLookupApi, VolumeLookupApi
from drivers.storage.api.transfer import TransferApi
from drivers.storage.api.volumes import VolumeApi
from drivers.storage.lifecycle import Storage
from drivers.storage.persistence import StoragePaths
from drivers.storage.pool import ManagedPool
from drivers.storage.pools import PoolList
from virtd.errors import From, VirtError
from virtd.threads import in_thread

log = logging.getLogger(__name__)

API = (PoolLookupApi, DefinitionApi, LifecycleApi, VolumeLookupApi, VolumeApi, CreationApi, TransferApi)


class HostStorageDriver(StorageDriver):
    """Pools of folders; pools of other types can be defined."""

    error_source: ClassVar[From] = From.STORAGE

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        paths = StoragePaths.of(environment.paths)
        self.storage = Storage(paths, PoolList(), environment.events, environment.tasks)
        self.parts = tuple(part(self.storage) for part in API)

    async def start(self) -> None:
        """Find the pools again; those that start with the host do so once."""
        storage = self.storage
        for pool in await in_thread(persistence.load_all, storage.paths, storage.pools):
            await storage.resume(pool)
        if not await in_thread(persistence.mark_autostarted, storage.paths):
            return
        for pool in storage.pools:
            if pool.autostart and not pool.active:
                await self._autostart(pool)

    async def _autostart(self, pool: ManagedPool) -> None:
        async with pool.lock:
            try:
                await self.storage.start(pool)
            except VirtError as error:
                log.error("storage pool %s did not start: %s", pool.name, error)
