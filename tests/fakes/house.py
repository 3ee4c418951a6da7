# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server with a fake driver behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from drivers.registry import Registry
from tests.fakes.client import WireClient
from tests.fakes.driver import ENTRY_POINTS, FakeDriver
from virtd.host.paths import Paths
from virtd.server.backend import Backends
from virtd.server.remote import RemoteSession
from virtd.server.server import Server
from virtd.server.service import Limits, Service


class House:
    """A server, its limits, and clients that leave with the test."""

    def __init__(self, folder: Path) -> None:
        self.limits = Limits()
        self.registry = Registry(Paths.system(folder), privileged=True, installed=ENTRY_POINTS)
        backends = Backends(self.registry)
        self.server = Server("libvirtd", self.limits, lambda client: RemoteSession(client, backends))
        self.service = Service(folder / "sock", 0o777, auth="polkit")
        self.ro_service = Service(folder / "sock-ro", 0o777, readonly=True, auth="polkit")
        self.server.listen(self.service)
        self.server.listen(self.ro_service)
        self.clients: list[WireClient] = []

    @property
    def driver(self) -> FakeDriver:
        """The driver, once a client has opened a connection to it."""
        return FakeDriver.instances[-1]

    def connect(self, service: Service | None = None) -> WireClient:
        """A client that has said nothing yet."""
        client = WireClient.connect((service or self.service).path)
        self.clients.append(client)
        return client

    async def open(self, service: Service | None = None, flags: int = 0) -> WireClient:
        """A client with an open connection."""
        return await self.connect(service).open(flags=flags)

    async def close(self) -> None:
        for client in self.clients:
            client.close()
        await self.server.close()
        await self.registry.stop()


async def until(condition: Callable[[], object], timeout: float = 5.0) -> None:
    """Wait for something that the server does by and by."""
    async with asyncio.timeout(timeout):
        while not condition():
            await asyncio.sleep(0.002)
