# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's side of a stream: pumps bytes between a client and a driver's `Stream`.

Data goes out no faster than the client reads; what comes in counts as the client's backlog until the
driver has taken it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from virtd.errors import Code, From, VirtError
from virtd.streams import Hole, Stream
from virtd.tasks import TaskOwner
from virtd.wire.message import MAX_STREAM_DATA, Header, Status, Type, decode_hole, encode_error, encode_hole

log = logging.getLogger(__name__)

#: Seconds a driver has to let go of a stream.
CLEANUP_TIMEOUT = 10.0
#: What a packet counts in the backlog beside its data.
MESSAGE_OVERHEAD = 64

#: What a client sends; None: it is done.
Item = bytes | Hole | None


class Peer(Protocol):
    """What a stream needs of its client."""

    tasks: TaskOwner

    def send(self, header: Header, payload: bytes = b"") -> None:
        """Send a message."""

    async def flushed(self) -> None:
        """Return when the client has taken what was sent."""

    def add_backlog(self, size: int) -> None:
        """`size` more bytes received wait to be worked off (less, if negative)."""


class ClientStream:
    """One open stream.  `over` is called when it has ended, however."""

    def __init__(self, peer: Peer, call: Header, stream: Stream, sparse: bool, over: Callable[[], None]) -> None:
        self._peer = peer
        self._call = call
        self._stream = stream
        self._sparse = sparse
        self._over = over
        self._received: asyncio.Queue[tuple[Item, int]] = asyncio.Queue()  # with the size in the backlog
        self._backlog = 0
        self._ended = False
        self._released = False
        self._pumps = [peer.tasks.spawn(self._guard(self._receive_all), "stream in")]
        if stream.readable:
            self._pumps.append(peer.tasks.spawn(self._guard(self._send_all), "stream out"))

    # from the client

    def packet(self, header: Header, payload: bytes) -> None:
        """Take a STREAM or STREAM_HOLE packet of the client."""
        if header.status == Status.ERROR:
            self._abort()
        elif header.type == Type.STREAM_HOLE:
            self._hole(payload)
        else:
            self._queue(None if header.status == Status.OK else payload, len(payload))

    def _hole(self, payload: bytes) -> None:
        try:
            if not self._sparse:
                raise VirtError(Code.INTERNAL_ERROR, "unexpected stream hole", source=From.RPC)
            self._queue(Hole(decode_hole(payload)), len(payload))
        except VirtError as error:
            self._fail(error)

    def _queue(self, item: Item, size: int) -> None:
        size += MESSAGE_OVERHEAD
        self._received.put_nowait((item, size))
        self._count(size)

    def _count(self, size: int) -> None:
        self._backlog += size
        self._peer.add_backlog(size)

    async def _receive_all(self) -> None:
        while True:
            item, size = await self._received.get()
            if item is None:
                break
            if not self._stream.writable:
                raise VirtError(Code.OPERATION_INVALID, "stream is not writable", source=From.STREAMS)
            if isinstance(item, Hole):
                await self._stream.write_hole(item.length)
            else:
                await self._stream.write(item)
            self._count(-size)
        await self._finish()

    # to the client

    async def _send_all(self) -> None:
        while (item := await self._stream.read(MAX_STREAM_DATA)) is not None:
            if isinstance(item, Hole):
                self._send(Status.CONTINUE, encode_hole(item.length), Type.STREAM_HOLE)
            else:
                self._send(Status.CONTINUE, item)
            await self._peer.flushed()
        self._send(Status.CONTINUE)

    def _send(self, status: int, payload: bytes = b"", type_: int = Type.STREAM) -> None:
        self._peer.send(self._call._replace(type=type_, status=status), payload)

    # the end

    async def _guard(self, pump: Callable[[], Awaitable[None]]) -> None:
        try:
            await pump()
        except VirtError as error:
            self._fail(error)
        except Exception:
            log.exception("a stream failed")
            self._fail(VirtError(Code.INTERNAL_ERROR, "the stream failed, see the log", source=From.STREAMS))

    async def _finish(self) -> None:
        """The client is content: so must the driver be, and then the client is told."""
        await self._pumps_stopped()
        self._released = True
        await self._stream.finish()
        if self._end():
            self._send(Status.OK)

    def _abort(self) -> None:
        """The client gives up; it is told when everything is released."""
        if self._end():
            self._peer.tasks.spawn(self._release_and_confirm(), "stream abort")

    async def _release_and_confirm(self) -> None:
        await self._release()
        self._send(Status.OK)

    def _fail(self, error: VirtError) -> None:
        """Something went wrong here: the stream is over."""
        if self._end():
            self._send(Status.ERROR, encode_error(error))
            self._peer.tasks.spawn(self._release(), "stream cleanup")

    async def vanish(self) -> None:
        """The client is gone, and its tasks with it."""
        self._end()
        await self._release()

    def _end(self) -> bool:
        """True for the first to say that the stream is over."""
        if self._ended:
            return False
        self._ended = True
        self._count(-self._backlog)
        self._over()
        return True

    async def _pumps_stopped(self) -> None:
        """Nothing but the calling task is at work on the stream when this returns."""
        pumps = [pump for pump in self._pumps if pump is not asyncio.current_task()]
        for pump in pumps:
            pump.cancel()
        if pumps:
            await asyncio.wait(pumps)

    async def _release(self) -> None:
        if self._released:
            return
        self._released = True
        try:
            async with asyncio.timeout(CLEANUP_TIMEOUT):
                await self._pumps_stopped()
                await self._stream.abort()
        except Exception:
            log.exception("a stream was not released")
