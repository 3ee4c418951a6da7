# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test driver: `test:///default`, and `test:///a/file.xml` for a host of one's own making.

This is the driver to read first.  `connect_open` accepts a connection and finds the host that it is to, which
lives in memory only; `parts` hold the methods of the API, one subject each.  Most of them are plain functions:
they answer from memory and never wait.
"""

from __future__ import annotations

import gc
from collections.abc import Awaitable
from typing import ClassVar

from drivers.base import Environment, HypervisorDriver
from drivers.test.agent import AgentApi
from drivers.test.blockjobs import BlockJobApi
from drivers.test.calls import WithFaults
from drivers.test.checkpoints import CheckpointApi
from drivers.test.control import ControlApi
from drivers.test.default import DEFAULT
from drivers.test.definition import DefinitionApi
from drivers.test.devices import DeviceApi
from drivers.test.guestinfo import GuestInfoApi
from drivers.test.host import HostApi
from drivers.test.info import InfoApi
from drivers.test.interfaces import InterfaceApi
from drivers.test.jobs import JobApi
from drivers.test.lifecycle import LifecycleApi
from drivers.test.lookup import LookupApi
from drivers.test.memory import MemoryApi
from drivers.test.migration import MigrationApi
from drivers.test.networks import NetworkApi
from drivers.test.node import build
from drivers.test.nodedevices import NodeDeviceApi
from drivers.test.pools import PoolApi
from drivers.test.ports import PortApi
from drivers.test.reading import Reader
from drivers.test.saving import SavingApi
from drivers.test.screens import ScreenApi
from drivers.test.simulation import SimulationApi
from drivers.test.snapshots import SnapshotApi
from drivers.test.statistics import StatisticsApi
from drivers.test.tuning import TuningApi
from drivers.test.vcpus import IOThreadApi, VcpuApi
from drivers.test.volumes import VolumeApi
from drivers.test.world import World, Worlds
from virtd.calls import Connection
from virtd.errors import Code, From, VirtError
from virtd.events import EventBus, Kind
from virtd.threads import in_thread

#: The subjects of the API.
PARTS = (
    HostApi, LookupApi, DefinitionApi, LifecycleApi, InfoApi, ControlApi, SavingApi, SnapshotApi, CheckpointApi,
    TuningApi, VcpuApi, IOThreadApi, MemoryApi, StatisticsApi, AgentApi, GuestInfoApi, DeviceApi, BlockJobApi, JobApi, MigrationApi,
    ScreenApi, SimulationApi,
    NetworkApi, PortApi, InterfaceApi, PoolApi, VolumeApi, NodeDeviceApi,
)  # fmt: skip
#: Hosts that a user may have at once.
MAX_HOSTS = 100


class TestDriver(HypervisorDriver):
    """A host of make-believe guests for each path that is opened."""

    error_source: ClassVar[From] = From.TEST
    event_kinds = frozenset({Kind.DOMAIN, Kind.NETWORK, Kind.STORAGE_POOL, Kind.NODE_DEVICE})
    schemes: ClassVar[tuple[str, ...]] = ("test",)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._hosts: dict[tuple[int | None, str], World] = {}
        self._worlds = Worlds()
        self.parts = tuple(WithFaults(part(self._worlds), self._worlds) for part in PARTS)

    def connect_open(self, connection: Connection, path: str) -> str | Awaitable[str]:
        """virConnectOpen: the host at `path` is made when it is first asked for.

        The default host is everybody's.  That of a file belongs to a user, with whose rights the file is read.
        """
        if path in ("", "/"):
            raise VirtError(Code.INVALID_ARG, "testOpen: supply a path or use test:///default")
        if path == "/default":
            return self._open(connection, path, (None, path), self._hosts.get((None, path)) or default_host())
        return self._open_file(connection, path)

    async def _open_file(self, connection: Connection, path: str) -> str:
        key = connection.identity.uid, path
        world = self._hosts.get(key)
        if world is None:
            if sum(owner == key[0] for owner, _path in self._hosts) >= MAX_HOSTS:
                raise VirtError(Code.OPERATION_FAILED, "there are too many make-believe hosts")
            world = await in_thread(build, path, Reader.of(connection.identity).read)
            gc.freeze()  # a host stays: there is no use in going through its thousands of objects again and again
        return self._open(connection, path, key, self._hosts.get(key) or world)

    def _open(self, connection: Connection, path: str, key: tuple[int | None, str], world: World) -> str:
        self._hosts[key] = world
        self._worlds.open(connection, world)
        return f"test://{path}"

    def events_for(self, connection: Connection) -> EventBus:
        """Those of the host that the connection is to."""
        world = self._worlds.get(connection)
        return self.env.events if world is None else world.events

    async def stop(self) -> None:
        """Nothing of these hosts outlives the daemon."""
        for world in self._hosts.values():
            world.clock.close()

    def in_use(self) -> bool:
        """Make-believe guests keep no daemon alive."""
        return False


def default_host() -> World:
    """The host that libvirt's clients know as test:///default."""
    return build("/default", lambda _path: DEFAULT)
