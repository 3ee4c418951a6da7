# SPDX-License-Identifier: LGPL-2.1-or-later
"""The LXC driver: its surroundings, its parts, its start and stop."""

from __future__ import annotations

from typing import ClassVar

from drivers.base import Environment, HypervisorDriver
from drivers.common import farewell, startup
from drivers.common.guestlist import GuestList
from drivers.common.host import HostApi
from drivers.common.hostsuspend import HostSuspendApi
from drivers.lxc import confinement, lifecycle, reconnect, runtime
from drivers.lxc.api.base import Part
from drivers.lxc.api.blkio import BlkioApi
from drivers.lxc.api.connection import ConnectionApi
from drivers.lxc.api.definition import DefinitionApi
from drivers.lxc.api.devices import DeviceApi
from drivers.lxc.api.inside import InsideApi
from drivers.lxc.api.lookup import LookupApi
from drivers.lxc.api.memory import MemoryApi
from drivers.lxc.api.metadata import MetadataApi
from drivers.lxc.api.power import PowerApi
from drivers.lxc.api.scheduler import SchedulerApi
from drivers.lxc.api.security import SecurityApi
from drivers.lxc.api.state import StateApi
from drivers.lxc.api.statistics import StatisticsApi
from drivers.lxc.context import LxcContext
from drivers.lxc.guest import Guest
from drivers.lxc.paths import LxcPaths
from drivers.lxc.settings import LxcSettings
from virtd.calls import Connection
from virtd.enums import DomainShutoffReason
from virtd.errors import Code, From, VirtError
from virtd.threads import in_thread

#: The subjects of the API.
API: tuple[type[Part], ...] = (
    BlkioApi,
    ConnectionApi,
    DefinitionApi,
    DeviceApi,
    InsideApi,
    LookupApi,
    MemoryApi,
    MetadataApi,
    PowerApi,
    SchedulerApi,
    SecurityApi,
    StateApi,
    StatisticsApi,
)


class LxcDriver(HypervisorDriver):
    """Containers by the kernel's own means (`lxc:///system`, `lxc:///session`)."""

    error_source: ClassVar[From] = From.LXC
    schemes: ClassVar[tuple[str, ...]] = ("lxc",)
    uses_host_services: ClassVar[bool] = True

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        paths = LxcPaths.of(environment)
        self.guests: GuestList[Guest] = GuestList()
        self.context = LxcContext(
            env=environment,
            paths=paths,
            settings=LxcSettings.load(paths.settings),
            guests=self.guests,
            runtime=runtime,
        )
        self.parts = (HostApi(), HostSuspendApi(environment.tasks), *(part(self.context) for part in API))

    def connect_open(self, connection: Connection, path: str) -> str:
        """virConnectOpen.

        Raises:
            VirtError: INTERNAL_ERROR: a path that is not this daemon's.
        """
        own = "/system" if self.env.privileged else "/session"
        if path not in (own, "/", ""):
            raise VirtError(Code.INTERNAL_ERROR, f"Unexpected LXC URI path '{path}', try lxc://{own}")
        return f"lxc://{own}"

    async def start(self) -> None:
        """Take over from the daemon before, then start what is to start with the host."""
        confinement.check_driver(self.context.settings)
        await in_thread(self._make_folders)
        await reconnect.load_all(self.context)
        await startup.start_all(self.guests, self.context.paths.state, lifecycle.start)

    def _make_folders(self) -> None:
        paths = self.context.paths
        for folder in (paths.config, paths.state, paths.log):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def stop(self) -> None:
        """Let go of all guests; those bound to a connection end with it."""
        await farewell.let_go_all(self.guests, _let_go)
        self.context.nursery.close()

    def in_use(self) -> bool:
        """Guests that run keep the daemon from leaving when idle."""
        return any(guest.active for guest in self.guests)


async def _let_go(guest: Guest) -> None:
    if guest.run is not None and guest.run.autodestroy:
        async with guest.job("destroy"):
            if guest.run is not None:
                await lifecycle.end(guest, DomainShutoffReason.DESTROYED)
    if guest.run is not None:
        guest.context.runtime.let_go(guest)
    await guest.tasks.close()
    await guest.status_saved()
