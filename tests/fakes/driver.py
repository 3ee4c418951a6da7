# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hypervisor that does what tests of the server need: slow calls, streams, descriptors, events."""

from __future__ import annotations

import asyncio
import os
from importlib.metadata import EntryPoint
from typing import Any

from drivers.base import Environment, HypervisorDriver
from virtd.calls import Connection, WithFds, WithStream, current_call
from virtd.errors import Code, From, VirtError
from virtd.events import Kind
from virtd.refs import DomainRef, StorageVolRef
from virtd.streams import Hole, Stream

DOMAIN = DomainRef("guest", bytes(range(16)), 7)
OTHER = DomainRef("other", bytes(16), -1)
VOLUME = StorageVolRef("pool", "volume", "key")

ENTRY_POINTS = {"fake": EntryPoint("fake", "tests.fakes.driver:FakeDriver", "virtd.drivers")}


class FakeStream(Stream):
    """Reads from `items`, writes to `taken`; `gate` holds writes back while it is clear."""

    def __init__(self, items: list[bytes | Hole | VirtError] | None = None, *, writable: bool = False) -> None:
        self.readable = items is not None
        self.writable = writable
        self.items = list(items or [])
        self.taken: list[bytes | Hole] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.endless = False
        self.ends: list[str] = []
        self.ended = asyncio.Event()
        self.on_finish: VirtError | None = None

    async def read(self, limit: int) -> bytes | Hole | None:
        if not self.items:
            if self.endless:
                await asyncio.Event().wait()
            return None
        item = self.items.pop(0)
        if isinstance(item, VirtError):
            raise item
        return item

    async def write(self, data: bytes) -> None:
        await self.gate.wait()
        self.taken.append(data)

    async def write_hole(self, length: int) -> None:
        self.taken.append(Hole(length))

    async def finish(self) -> None:
        self._end("finish")
        if self.on_finish:
            raise self.on_finish

    async def abort(self) -> None:
        self._end("abort")

    def _end(self, how: str) -> None:
        self.ends.append(how)
        self.ended.set()


class FakeDriver(HypervisorDriver):
    """`fake:///here`."""

    error_source = From.TEST
    schemes = ("fake",)
    event_kinds = frozenset({Kind.DOMAIN, Kind.NETWORK, Kind.QEMU_MONITOR})

    instances: list[FakeDriver] = []  # the latest last

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.release = asyncio.Event()
        self.calls: list[tuple[Any, ...]] = []
        self.connections: list[Connection] = []
        self.stream = FakeStream()
        self.cancelled = 0
        self.stopped = False
        self.busy = False
        FakeDriver.instances.append(self)

    async def stop(self) -> None:
        self.stopped = True

    def in_use(self) -> bool:
        return self.busy

    def connect_open(self, connection: Connection, path: str) -> str:
        if path not in ("/here", "/system"):
            raise VirtError(Code.INTERNAL_ERROR, f"unexpected path {path}")
        self.connections.append(connection)
        return "fake:///here"

    def connect_get_hostname(self) -> str:
        return "host"

    def connect_supports_feature(self, feature: int) -> int:
        return int(feature == 3)

    def connect_get_max_vcpus(self, kind: str | None) -> int:
        raise ValueError("a bug in the driver")

    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        return "x" * flags

    async def domain_create(self, dom: DomainRef) -> None:
        """Slow: until the test releases it."""
        self.calls.append(("create", dom))
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def domain_suspend(self, dom: DomainRef) -> None:
        self.calls.append(("suspend", dom))

    def domain_open_console(self, dom: DomainRef, dev_name: str | None, flags: int) -> WithStream:
        return WithStream(self.stream)

    def storage_vol_upload(self, vol: StorageVolRef, offset: int, length: int, flags: int) -> WithStream:
        return WithStream(self.stream)

    def storage_vol_download(self, vol: StorageVolRef, offset: int, length: int, flags: int) -> WithStream:
        return WithStream(self.stream)

    def domain_screenshot(self, dom: DomainRef, screen: int, flags: int) -> WithStream:
        return WithStream(self.stream, "image/png")

    def domain_open_graphics(self, dom: DomainRef, idx: int, flags: int) -> None:
        """Keeps the first descriptor, leaves the others to the server."""
        fds = current_call.get().fds
        self.calls.append(("graphics", fds.pop(0), len(fds)))

    async def domain_open_graphics_fd(self, dom: DomainRef, idx: int, flags: int) -> WithFds:
        reader, writer = os.pipe()
        os.write(writer, b"through the pipe")
        os.close(writer)
        return WithFds(None, [reader])
