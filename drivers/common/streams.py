# SPDX-License-Identifier: LGPL-2.1-or-later
"""Streams over descriptors: terminals and sockets both ways, files to read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from virtd.errors import Code, From, VirtError
from virtd.streams import Hole, Stream
from virtd.threads import in_thread


def _failed(error: OSError) -> VirtError:
    return VirtError(Code.SYSTEM_ERROR, f"cannot transfer data: {os.strerror(error.errno or 0)}")


class DescriptorStream(Stream):
    """Both ways over a non-blocking descriptor, which it owns; `on_close` is called once."""

    readable = True
    writable = True

    def __init__(self, fd: int, on_close: Callable[[], object]) -> None:
        self._fd = fd
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []
        self._taken_away = False

    @property
    def closed(self) -> bool:
        return self._fd < 0

    async def read(self, limit: int) -> bytes | Hole | None:
        while not self.closed:
            try:
                return os.read(self._fd, limit) or None
            except BlockingIOError:
                await self._ready(self._loop.add_reader, self._loop.remove_reader)
            except OSError:  # a terminal whose other end is gone
                return None
        if self._taken_away:
            raise VirtError(Code.RPC, "stream had I/O failure", source=From.STREAMS, bare=True)
        return None

    async def write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            if self.closed:
                raise VirtError(Code.INTERNAL_ERROR, "stream is closed")
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer)
            except OSError as error:
                raise _failed(error) from error

    async def _ready(self, watch: Callable[..., object], unwatch: Callable[[int], object]) -> None:
        """Wait until the descriptor is ready, or closed."""
        fd, ready = self._fd, self._loop.create_future()
        self._waiting.append(ready)
        watch(fd, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            self._waiting.remove(ready)
            if not self.closed:
                unwatch(fd)

    async def finish(self) -> None:
        await self.abort()

    async def take_away(self) -> None:
        """End it for the sake of somebody else: whoever has it is told that it broke, not that it ended."""
        self._taken_away = True
        await self.abort()

    async def abort(self) -> None:
        if self.closed:
            return
        fd, self._fd = self._fd, -1
        self._loop.remove_reader(fd)
        self._loop.remove_writer(fd)
        os.close(fd)
        for ready in self._waiting:
            if not ready.done():
                ready.set_result(None)
        self._on_close()


class FileStream(Stream):
    """The content of a file, read in a thread; the descriptor is its own."""

    readable = True

    def __init__(self, fd: int) -> None:
        self._fd = fd

    async def read(self, limit: int) -> bytes | Hole | None:
        try:
            return await in_thread(os.read, self._fd, limit) or None
        except OSError as error:
            raise _failed(error) from error

    async def finish(self) -> None:
        await self.abort()

    async def abort(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
