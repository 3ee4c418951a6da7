# SPDX-License-Identifier: LGPL-2.1-or-later
"""The QEMU driver: its surroundings, its parts, its start and stop."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import ClassVar

from conf.domain import Domain
from drivers.base import Environment, HypervisorDriver
from drivers.common import farewell, startup
from drivers.common.guestlist import GuestList
from drivers.common.host import HostApi
from drivers.common.hostsuspend import HostSuspendApi
from drivers.qemu.api.base import Part
from drivers.qemu.api.connection import ConnectionApi
from drivers.qemu.api.consoles import ConsoleApi
from drivers.qemu.api.definition import DefinitionApi
from drivers.qemu.api.devices import DeviceApi
from drivers.qemu.api.guestinfo import GuestInfoApi
from drivers.qemu.api.jobs import JobsApi
from drivers.qemu.api.lifecycle_actions import LifecycleActionApi
from drivers.qemu.api.lookup import LookupApi
from drivers.qemu.api.memory import MemoryApi
from drivers.qemu.api.metadata import MetadataApi
from drivers.qemu.api.monitor import MonitorApi
from drivers.qemu.api.power import PowerApi
from drivers.qemu.api.screen import ScreenApi
from drivers.qemu.api.security import SecurityApi
from drivers.qemu.api.state import StateApi
from drivers.qemu.api.statistics import StatisticsApi
from drivers.qemu.api.vcpus import VcpuApi
from drivers.qemu.block.disks_api import DisksApi
from drivers.qemu.block.feature import BlockJobs
from drivers.qemu.block.jobs_api import BlockJobsApi
from drivers.qemu.block.thresholds import Thresholds
from drivers.qemu.block.tuning import IoLimits
from drivers.qemu.capabilities import CapabilitiesCache
from drivers.qemu.capabilities.part import CapabilitiesPart
from drivers.qemu.command.native import NativePart
from drivers.qemu.context import QemuContext
from drivers.qemu.cpu.part import CpuPart
from drivers.qemu.guest import Guest
from drivers.qemu.hostside import folders
from drivers.qemu.lifecycle import ending, launch, reconnect
from drivers.qemu.paths import QemuPaths
from drivers.qemu.settings import QemuSettings
from virtd.calls import Connection
from virtd.errors import From
from virtd.events import Kind
from virtd.threads import in_thread

#: The subjects of the API.
API: tuple[type[Part], ...] = (
    CapabilitiesPart,
    ConnectionApi,
    ConsoleApi,
    CpuPart,
    DefinitionApi,
    DeviceApi,
    DisksApi,
    GuestInfoApi,
    JobsApi,
    LifecycleActionApi,
    LookupApi,
    MemoryApi,
    MetadataApi,
    MonitorApi,
    NativePart,
    PowerApi,
    ScreenApi,
    SecurityApi,
    StateApi,
    StatisticsApi,
    VcpuApi,
)


class QemuDriver(HypervisorDriver):
    """KVM and emulated guests by QEMU (`qemu:///system`, `qemu:///session`)."""

    error_source: ClassVar[From] = From.QEMU
    schemes: ClassVar[tuple[str, ...]] = ("qemu",)
    uses_host_services: ClassVar[bool] = True
    event_kinds = frozenset({Kind.DOMAIN, Kind.QEMU_MONITOR})

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        paths = QemuPaths.of(environment)
        self.guests: GuestList[Guest] = GuestList()
        self.context = QemuContext(
            env=environment,
            paths=paths,
            settings=QemuSettings.load(paths.config.parent / "qemu.conf", privileged=environment.privileged),
            capabilities=CapabilitiesCache(paths.cache / "capabilities", environment.tasks),
            guests=self.guests,
        )
        self._block_jobs = BlockJobs(self.context)
        self.context.features += [self._block_jobs, IoLimits(), Thresholds()]
        self.parts = (
            HostApi(),
            HostSuspendApi(environment.tasks),
            *(part(self.context) for part in API),
            BlockJobsApi(self.context, self._block_jobs),
        )

    def connect_open(self, connection: Connection, path: str) -> str | Awaitable[str]:
        """virConnectOpen; root's daemon takes both paths.

        Raises:
            VirtError: INTERNAL_ERROR: a path that is not this daemon's.
        """
        if self.env.privileged and path == "/session":
            return "qemu:///session"
        return super().connect_open(connection, path)

    async def start(self) -> None:
        """Take over from the daemon before, then start what is to start with the host."""
        await in_thread(folders.make, self.context)
        await self._block_jobs.load()
        await reconnect.load_all(self.context)
        await self._block_jobs.report_orphans()
        await startup.start_all(self.guests, self.context.paths.state, self._autostart)

    @staticmethod
    async def _autostart(guest: Guest, definition: Domain) -> None:
        await launch.start(guest, definition, launch.StartOptions())

    async def stop(self) -> None:
        """Let go of all guests; those bound to a connection end with it."""
        await farewell.let_go_all(self.guests, ending.let_go)

    def in_use(self) -> bool:
        """Guests that run keep the daemon from leaving when idle."""
        return any(guest.active for guest in self.guests)
