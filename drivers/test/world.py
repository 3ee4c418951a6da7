# SPDX-License-Identifier: LGPL-2.1-or-later
"""A make-believe host: what it is and all that is on it.  It lives as long as the daemon."""

from __future__ import annotations

from dataclasses import dataclass

from conf.domain import Domain
from conf.nodedev import NodeDevice
from drivers.common.guestlist import GuestList
from drivers.common.networks import network_list
from drivers.storage.pools import PoolList
from drivers.test.clock import Clock
from drivers.test.faults import Fault
from drivers.test.guest import TestGuest
from drivers.test.hostinterfaces import Interfaces
from drivers.test.work import Saved
from virtd.calls import Connection, current_call
from virtd.events import EventBus


@dataclass(slots=True)
class Node:
    """The host itself; memory in KiB.  The fields are those of virNodeInfo, in its order."""

    model: str = "i686"
    memory: int = 3 << 20
    cpus: int = 16
    mhz: int = 1400
    nodes: int = 2
    sockets: int = 2
    cores: int = 2
    threads: int = 2


class World:
    """One make-believe host."""

    def __init__(self) -> None:
        self.node = Node()
        self.events = EventBus()
        self.clock = Clock()
        #: Seconds that something takes which takes time: a block job, a migration.
        self.job_seconds = 1.0
        self.faults: list[Fault] = []
        self.guests: GuestList[TestGuest] = GuestList()
        #: What guests were saved to, by path.
        self.files: dict[str, Saved] = {}
        #: Guests that are being migrated to here, by name.
        self.incoming: dict[str, Domain] = {}
        self.networks = network_list()
        self.pools = PoolList()
        self.interfaces = Interfaces()
        self.devices: dict[str, NodeDevice] = {}


class Worlds:
    """Which host a client means is written in its connection."""

    def __init__(self) -> None:
        self._opened: dict[Connection, World] = {}

    @property
    def current(self) -> World:
        """The host of the client whose call is being answered."""
        return self._opened[current_call.get().connection]

    def open(self, connection: Connection, world: World) -> None:
        """The connection is one to this host, until it is closed."""
        self._opened[connection] = world
        connection.on_close(lambda: self._closed(connection))

    def _closed(self, connection: Connection) -> None:
        self._opened.pop(connection, None)

    def get(self, connection: Connection) -> World | None:
        return self._opened.get(connection)
