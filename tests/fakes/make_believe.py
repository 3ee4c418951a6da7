# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers of the test driver."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

from drivers.base import Environment
from drivers.test.driver import TestDriver
from drivers.test.world import World
from virtd.calls import Call, Connection, Identity, current_call
from virtd.events import EventBus
from virtd.host.paths import Paths
from virtd.tasks import TaskOwner
from virtd.wire.programs import QEMU, REMOTE

_APIS = {procedure.name.lower(): procedure.api for procedure in REMOTE.by_name.values()}
_APIS |= {f"qemu_{procedure.name.lower()}": procedure.api for procedure in QEMU.by_name.values()}


def make_driver() -> TestDriver:
    """A driver that nobody has opened yet."""
    paths = Paths.system(Path("/nonexistent"))
    return TestDriver(Environment(paths, EventBus(), TaskOwner("test"), privileged=True))


class Caller:
    """Calls the driver as dispatch does, with a connection of its own."""

    def __init__(self, driver: TestDriver, *, uid: int | None = None) -> None:
        identity = Identity(uid=os.geteuid() if uid is None else uid, gid=os.getegid() if uid is None else uid)
        self.connection = Connection("", readonly=False, identity=identity)
        self._driver = driver
        self._objects = (driver, *driver.parts)

    async def open(self, path: str = "/default") -> Caller:
        """Open the connection."""
        opened = self._driver.connect_open(self.connection, path)
        self.connection.uri = opened if isinstance(opened, str) else await opened
        return self

    def world_of(self) -> World:
        """The host behind the connection."""
        world = self._driver._worlds.get(self.connection)
        assert world is not None
        return world

    def __getattr__(self, name: str) -> Any:
        method = next(getattr(o, name) for o in self._objects if hasattr(o, name))

        def call(*args: object) -> Any:
            token = current_call.set(Call(_APIS[name], self.connection))
            try:
                result = method(*args)
                return self._wait(name, result) if inspect.isawaitable(result) else result
            finally:
                current_call.reset(token)

        return call

    async def _wait(self, name: str, result: Any) -> Any:
        current_call.set(Call(_APIS[name], self.connection))
        return await result
