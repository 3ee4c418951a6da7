# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test driver: `test:///default`, and `test:///a/file.xml` for a host of one's own making.

This is the shortest driver there is and a good one to read first.  `connect_open` accepts a connection; `parts`
hold the methods of the API, one subject each.  All of them are plain functions, for nothing here ever waits.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import ClassVar

from drivers.base import Environment, HypervisorDriver
from drivers.test.definition import DefinitionApi
from drivers.test.info import InfoApi
from drivers.test.lifecycle import LifecycleApi
from drivers.test.lookup import LookupApi
from drivers.test.world import DEFAULT, World
from virtd.calls import Connection
from virtd.errors import Code, From, VirtError

NODE = ("i686", 3 << 20, 16, 1400, 2, 2, 2, 2)  # model, KiB, cpus, MHz, cells, sockets, cores, threads


class TestDriver(HypervisorDriver):
    """A host of make-believe guests for each path that is opened."""

    error_source: ClassVar[From] = From.TEST
    schemes: ClassVar[tuple[str, ...]] = ("test",)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._worlds: dict[str, World] = {}
        self.parts = tuple(part(self._worlds) for part in (LookupApi, DefinitionApi, LifecycleApi, InfoApi))

    def connect_open(self, connection: Connection, path: str) -> str:
        """virConnectOpen: the host at `path` is made when it is first asked for."""
        if path in ("", "/"):
            raise VirtError(Code.INVALID_ARG, "testOpen: supply a path or use test:///default")
        uri = f"test://{path}"
        if uri not in self._worlds:
            if path == "/default":
                self._worlds[uri] = World(DEFAULT, Path("/"), self.env.events)
            else:
                self._worlds[uri] = World.from_file(Path(path), self.env.events)
        return uri

    def connect_get_type(self) -> str:
        """virConnectGetType: libvirt's own spelling."""
        return "TEST"

    def connect_get_version(self) -> int:
        """virConnectGetVersion."""
        return 2

    def connect_get_hostname(self) -> str:
        """virConnectGetHostname."""
        return socket.gethostname()

    def connect_get_max_vcpus(self, type_: str | None) -> int:
        """virConnectGetMaxVcpus."""
        return 32

    def node_get_info(self) -> tuple[str, int, int, int, int, int, int, int]:
        """virNodeGetInfo."""
        return NODE

    def connect_is_secure(self) -> int:
        """virConnectIsSecure: nothing leaves the process."""
        return 1

    def in_use(self) -> bool:
        """Make-believe guests keep no daemon alive."""
        return False
