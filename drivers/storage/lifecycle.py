# SPDX-License-Identifier: LGPL-2.1-or-later
"""From inactive to active and back, and looking again at what is there.  Callers hold the pool's lock."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from drivers.storage import directory, persistence
from drivers.storage.backends import check_startable
from drivers.storage.directory import Contents
from drivers.storage.persistence import StoragePaths
from drivers.storage.pool import ManagedPool, ManagedVolume
from drivers.storage.pools import PoolList
from virtd.enums import StoragePoolEventID
from virtd.enums import StoragePoolEventLifecycleType as Lifecycle
from virtd.errors import VirtError
from virtd.events import Event, EventBus, Kind
from virtd.tasks import TaskOwner
from virtd.threads import in_thread

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Storage:
    """What all parts of the driver share."""

    paths: StoragePaths
    pools: PoolList
    events: EventBus
    tasks: TaskOwner

    def tell(self, pool: ManagedPool, what: int) -> None:
        """Tell clients of a `StoragePoolEventLifecycleType`."""
        self.events.emit(Event(Kind.STORAGE_POOL, StoragePoolEventID.LIFECYCLE, pool.ref, (what, 0)))

    async def build(self, pool: ManagedPool, flags: int) -> None:
        """Make what the pool needs before it can be started."""
        check_startable(pool.definition)
        await in_thread(directory.build, pool.definition, flags)

    async def start(self, pool: ManagedPool) -> None:
        """Make the pool active.

        Raises:
            VirtError: it is inactive as before.
        """
        check_startable(pool.definition)
        await self._look(pool)
        await persistence.save_status(self.paths, pool.definition)
        pool.active = True
        self.tell(pool, Lifecycle.STARTED)

    async def stop(self, pool: ManagedPool) -> None:
        """Make the pool inactive; a transient one is gone."""
        await persistence.remove_status(self.paths, pool.name)
        pool.active = False
        pool.volumes.clear()
        self.tell(pool, Lifecycle.STOPPED)
        if not pool.persistent:
            self.pools.remove(pool)
        elif pool.redefinition is not None:
            pool.definition, pool.redefinition = pool.redefinition, None

    async def refresh(self, pool: ManagedPool) -> None:
        """Look again; a pool that cannot be read is active no more.

        Raises:
            VirtError: that.
        """
        try:
            await self._look(pool)
        except VirtError:
            await self.stop(pool)
            raise
        self.events.emit(Event(Kind.STORAGE_POOL, StoragePoolEventID.REFRESH, pool.ref, ()))

    async def _look(self, pool: ManagedPool) -> None:
        _take(pool, await in_thread(directory.look, pool.definition))

    async def resume(self, pool: ManagedPool) -> None:
        """After a restart of the daemon: a pool that was active is so still, if it is still there."""
        try:
            check_startable(pool.definition)
            await self._look(pool)
            pool.active = True
        except VirtError as error:
            log.error("storage pool %s is not active any more: %s", pool.name, error)
            await self.stop(pool)


def _take(pool: ManagedPool, found: Contents) -> None:
    """Note what was found; volumes that somebody works with stay what they are."""
    definition = pool.definition
    definition.capacity, definition.available = found.capacity, found.available
    definition.allocation = found.capacity - found.available
    before = definition.target.permissions
    found.permissions.label = before.label if before else None
    definition.target.permissions = found.permissions
    known = pool.volumes
    pool.volumes = {volume.name: ManagedVolume(volume) for volume in found.volumes}
    for name, volume in known.items():
        if volume.building or volume.in_use:
            pool.volumes[name] = volume
