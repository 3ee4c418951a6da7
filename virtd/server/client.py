# SPDX-License-Identifier: LGPL-2.1-or-later
"""One client: its messages go to calls, streams and keepalive; its answers go back.

A call whose handler answers at once is answered in place, with no task.  Others run as tasks, at most
`max_client_requests` side by side; further calls are kept until one ends.  Keepalive and streams pass
them by.  When more than `MAX_BACKLOG` bytes are kept, or the client does not read its answers, the server
stops reading it.

Calls under way go on to their end when their client vanishes, as with stock daemons: half a change helps
nobody.  Only what they answer is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Awaitable
from typing import NamedTuple, Protocol, cast

from virtd.calls import Call, WithFds, WithStream, current_call
from virtd.errors import Code, From, VirtError
from virtd.host.peer import peer_identity
from virtd.server.channel import Channel
from virtd.server.frames import Frame
from virtd.server.keepalive import KeepAlive
from virtd.server.service import Limits, Service
from virtd.server.session import Session, rpc_error
from virtd.server.streams import ClientStream
from virtd.streams import Stream
from virtd.tasks import TaskOwner
from virtd.wire.message import (
    HEADER_SIZE,
    LENGTH_SIZE,
    Header,
    Status,
    Type,
    encode_error,
    pack_message,
    read_header,
)
from virtd.wire.programs import Procedure

log = logging.getLogger(__name__)

#: Bytes of calls and stream data that are kept for a client before it is read no more.
MAX_BACKLOG = 4 << 20
#: Bytes of events that may wait for a client that does not read; then it is hung up on.
MAX_UNSENT = 16 << 20
#: Seconds in which a client must take the last answers before the connection is closed.
GOODBYE_TIMEOUT = 5.0

_PAYLOAD = LENGTH_SIZE + HEADER_SIZE
_WITH_FDS_PAYLOAD = _PAYLOAD + 4


class ClientOwner(Protocol):
    """What a client needs of its server."""

    limits: Limits

    def make_session(self, client: Client) -> Session:
        """What this client may call."""

    def client_authenticated(self, client: Client) -> None:
        """The client has proved who it is."""

    def client_gone(self, client: Client) -> None:
        """The client's connection is closed; it waits to be released."""


class Client:
    """A connected peer; it came in by `service`."""

    def __init__(self, number: int, sock: socket.socket, service: Service, server: ClientOwner) -> None:
        self.number = number
        self.service = service
        self._server = server
        self._limits = limits = server.limits
        self.since = int(time.time())
        self.identity = peer_identity(sock)
        self.authenticated = service.auth == "none"
        self.tasks = TaskOwner(f"client {number}")
        self._channel = Channel(sock, self._frame, self._proceed, self._closed)
        self.keepalive = KeepAlive(
            self._channel,
            limits.keepalive_interval,
            limits.keepalive_count,
            lambda: self.hang_up("no answer to keepalive"),
        )
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._kept: deque[tuple[Header, Frame]] = deque()
        self._backlog = 0
        self._streams: dict[tuple[int, int, int], ClientStream] = {}
        self.session = server.make_session(self)
        self._channel.resume()

    @property
    def readonly(self) -> bool:
        """Whether it may only look, by its socket or by its own wish."""
        connection = self.session.connection
        return self.service.readonly or bool(connection and connection.readonly)

    @property
    def waiting_calls(self) -> int:
        """Calls received that have not begun."""
        return len(self._kept)

    def say_goodbye_soon(self) -> tuple[()]:
        """CONNECT_CLOSE of any program: answered, and then the connection ends."""
        self.tasks.spawn(self.say_goodbye("closed by the client"), "close")
        return ()

    def authenticate(self) -> None:
        """The client has proved that it may use this server."""
        self.authenticated = True
        self.session.forget_targets()
        self._server.client_authenticated(self)

    # what comes in

    def _frame(self, frame: Frame) -> None:
        header = read_header(frame.message)
        self.keepalive.heard()
        if header.type == Type.MESSAGE:
            self.keepalive.message(header)
        elif header.type in (Type.CALL, Type.CALL_WITH_FDS):
            if self._running < self._limits.max_client_requests and not self._kept and not self._channel.congested:
                self._call(header, frame)
            else:
                self._kept.append((header, frame))
                self.add_backlog(len(frame.message))
            return
        elif header.type in (Type.STREAM, Type.STREAM_HOLE) and (stream := self._streams.get(_stream_id(header))):
            stream.packet(header, frame.message[_PAYLOAD:])
        _close_fds(frame.fds)

    def add_backlog(self, size: int) -> None:
        """`size` more bytes received wait to be worked off (less, if negative)."""
        self._backlog += size
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self._backlog > MAX_BACKLOG or self._channel.congested:
            self._channel.pause()
        else:
            self._channel.resume()

    def _proceed(self) -> None:
        """Something that held calls back is over."""
        while self._kept and self._running < self._limits.max_client_requests and not self._channel.congested:
            header, frame = self._kept.popleft()
            self._backlog -= len(frame.message)
            self._call(header, frame)
        self._read_or_not()

    # calls

    def _call(self, header: Header, frame: Frame) -> None:
        fds = frame.fds
        try:
            if header.status != Status.OK:
                raise rpc_error(f"Unexpected message status {header.status}")
            procedure, handler = self.session.target(header)
            if procedure.kind == "stream" and _stream_id(header) in self._streams:
                raise rpc_error(f"serial {header.serial} has an open stream")
            start = _PAYLOAD if header.type == Type.CALL else _WITH_FDS_PAYLOAD
            call = _PendingCall(header, procedure, procedure.decode_args(frame.message, start), fds)
            if connection := self.session.connection:
                current_call.set(Call(procedure.api, connection, fds))
            result = handler(*call.args)
            if type(result) is not tuple and isinstance(result, Awaitable):
                self._running += 1
                self._idle.clear()
                self.tasks.spawn(self._wait(call, result), procedure.name)
                return
            self._answer(call, result)
        except Exception as error:
            self._refuse(header, error)
        _close_fds(fds)

    async def _wait(self, call: _PendingCall, result: Awaitable[object]) -> None:
        try:
            self._answer(call, await result)
        except Exception as error:
            self._refuse(call.header, error)
        finally:
            _close_fds(call.fds)
            self._running -= 1
            if not self._running:
                self._idle.set()
            self._proceed()

    def _answer(self, call: _PendingCall, result: object) -> None:
        """Reply with a handler's result: fields, perhaps with descriptors or a stream."""
        fields, fds, stream = result, None, None
        if isinstance(result, WithFds):
            fields, fds = result.value, result.fds
        elif isinstance(result, WithStream):
            fields, stream = result.value, result.stream
        try:
            payload = call.procedure.encode_ret(cast("tuple[object, ...]", fields))
        except VirtError:
            _close_fds(fds or [])
            if stream:
                self.tasks.spawn(stream.abort(), "stream of a failed call")
            raise
        self.send(call.header._replace(type=Type.REPLY if fds is None else Type.REPLY_WITH_FDS), payload, fds)
        if stream:
            self._open_stream(call, stream)

    def _refuse(self, header: Header, error: Exception) -> None:
        """Reply with an error."""
        if not isinstance(error, VirtError):
            log.error("procedure %d failed", header.procedure, exc_info=error)
            error = VirtError(Code.INTERNAL_ERROR, "unexpected failure, see the daemon's log", source=From.RPC)
        self.send(header._replace(type=Type.REPLY, status=Status.ERROR), encode_error(error))

    def _open_stream(self, call: _PendingCall, stream: Stream) -> None:
        place = _stream_id(call.header)
        sparse = bool(call.procedure.sparse_flag and cast("int", call.args[-1]) & call.procedure.sparse_flag)
        self._streams[place] = ClientStream(self, call.header, stream, sparse, lambda: self._forget_stream(place))

    def _forget_stream(self, place: tuple[int, int, int]) -> None:
        del self._streams[place]

    # what goes out

    def send(self, header: Header, payload: bytes = b"", fds: list[int] | None = None) -> None:
        """Send a message."""
        self._channel.send(pack_message(header, payload, None if fds is None else len(fds)), fds)

    def send_event(self, message: bytes) -> None:
        """Send a whole message that the client did not ask for now; it must take it in time."""
        if self._channel.unsent > MAX_UNSENT:
            self.hang_up("it does not read its events")
        else:
            self._channel.send(message)

    async def flushed(self) -> None:
        """Return when the client has taken what was sent."""
        await self._channel.flushed()

    # the end

    def hang_up(self, reason: str) -> None:
        """Close the connection at once."""
        self._channel.close(reason)

    async def finish(self) -> None:
        """Take no more calls, answer those under way, and close the connection."""
        self._channel.pause()
        self._drop_kept()
        await self._idle.wait()
        await self.say_goodbye("the daemon ends")

    async def say_goodbye(self, reason: str) -> None:
        """Close the connection once the client has taken its last answers."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_TIMEOUT):
                await self._channel.flushed()
        self.hang_up(reason)

    def _closed(self, reason: str) -> None:
        log.debug("client %d is gone: %s", self.number, reason)
        self.keepalive.stop()
        self._server.client_gone(self)

    async def release(self) -> None:
        """After the connection is closed: end the streams, let calls end, then the session."""
        self._drop_kept()
        await self._end_streams()
        await self._idle.wait()
        await self._end_streams()  # a call may have opened one at its end
        await self.tasks.close()
        await self.session.close()

    async def _end_streams(self) -> None:
        for stream in list(self._streams.values()):
            await stream.vanish()

    def _drop_kept(self) -> None:
        while self._kept:
            _close_fds(self._kept.popleft()[1].fds)


class _PendingCall(NamedTuple):
    header: Header
    procedure: Procedure
    args: tuple[object, ...]
    fds: list[int]


def _stream_id(header: Header) -> tuple[int, int, int]:
    return header.program, header.procedure, header.serial


def _close_fds(fds: list[int]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)
