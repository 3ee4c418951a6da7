# SPDX-License-Identifier: LGPL-2.1-or-later
"""The content of a volume as a stream, from an offset on; the descriptor is the stream's own."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from drivers.storage.errors import system_error
from drivers.storage.files import write_all
from virtd.errors import From
from virtd.streams import Hole, Stream
from virtd.threads import in_thread

_CHUNK = 1 << 20


class VolumeStream(Stream):
    """What up- and downloads share.

    Args:
        length: bytes at most, 0 for all there is.
        on_end: called once.
    """

    def __init__(self, fd: int, offset: int, length: int, on_end: Callable[[], object] = lambda: None) -> None:
        self._fd = fd
        self._offset = offset
        self._end = offset + length if length else None
        self._on_end = on_end

    def _left(self, wanted: int) -> int:
        return wanted if self._end is None else min(wanted, self._end - self._offset)

    async def finish(self) -> None:
        """See `Stream`."""
        await self.abort()

    async def abort(self) -> None:
        """See `Stream`."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            await in_thread(os.close, fd)
            self._on_end()


class Download(VolumeStream):
    """A volume's content; with `sparse`, its holes as such."""

    readable = True

    def __init__(self, fd: int, offset: int, length: int, *, sparse: bool) -> None:
        super().__init__(fd, offset, length)
        self._sparse = sparse

    async def read(self, limit: int) -> bytes | Hole | None:
        """See `Stream`."""
        try:
            item = await in_thread(self._next, limit)
        except OSError as error:
            raise system_error("cannot read from stream", error, source=From.STREAMS) from error
        if item is not None:
            self._offset += item.length if isinstance(item, Hole) else len(item)
        return item

    def _next(self, limit: int) -> bytes | Hole | None:
        if self._sparse:
            hole, data = _section(self._fd, self._offset)
            if hole:
                return Hole(self._left(hole)) if self._left(hole) else None
            limit = min(limit, data)
        return os.pread(self._fd, self._left(limit), self._offset) or None


class Upload(VolumeStream):
    """Writes over a volume's content; what is not written stays."""

    writable = True

    async def write(self, data: bytes) -> None:
        """See `Stream`."""
        await self._put(len(data), lambda: write_all(self._fd, data, self._offset))

    async def write_hole(self, length: int) -> None:
        """See `Stream`."""
        await self._put(length, lambda: _make_hole(self._fd, self._offset, length))

    async def _put(self, length: int, work: Callable[[], None]) -> None:
        try:
            if self._left(length) < length:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            await in_thread(work)
        except OSError as error:
            raise system_error("cannot write to stream", error, source=From.STREAMS) from error
        self._offset += length

    async def finish(self) -> None:
        """See `Stream`: what was sent is durable when this returns."""
        try:
            await in_thread(os.fsync, self._fd)
        except OSError as error:
            raise system_error("cannot write to stream", error, source=From.STREAMS) from error
        finally:
            await self.abort()


def _section(fd: int, offset: int) -> tuple[int, int]:
    """What is at `offset`: (bytes of a hole, 0) or (0, bytes of data); both 0 at the end."""
    size = os.lseek(fd, 0, os.SEEK_END)
    if offset >= size:
        return 0, 0
    try:
        data = os.lseek(fd, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size - offset, 0
    if data > offset:
        return data - offset, 0
    return 0, os.lseek(fd, offset, os.SEEK_HOLE) - offset


def _make_hole(fd: int, offset: int, length: int) -> None:
    """Make `length` bytes zero, writing only where there is something else."""
    end = offset + length
    while offset < end:
        hole, data = _section(fd, offset)
        if not hole and not data:
            os.ftruncate(fd, end)
            return
        step = min(hole or data, end - offset, end - offset if hole else _CHUNK)
        if data:
            write_all(fd, bytes(step), offset)
        offset += step
