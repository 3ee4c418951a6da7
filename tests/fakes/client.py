# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the wire, for tests: calls by procedure name, events, streams, descriptors."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections import defaultdict
from pathlib import Path
from typing import Any

from virtd.errors import VirtError
from virtd.server.frames import Framer
from virtd.wire.message import (
    EVENT_SERIAL,
    KEEPALIVE_PING,
    KEEPALIVE_PONG,
    KEEPALIVE_PROGRAM,
    Header,
    Status,
    Type,
    decode_error,
    keepalive,
    pack_message,
    read_fd_count,
    read_header,
)
from virtd.wire.programs import PROGRAMS, REMOTE, Procedure, Program

TIMEOUT = 5.0
PAYLOAD = 28


class Closed(Exception):
    """The server hung up."""


class WireClient:
    """One connection.  What comes is sorted: replies by serial, stream packets by serial, events in a queue."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.serials = itertools.count(2)  # 1 is the events' mark
        self.framer = Framer()
        self.replies: dict[int, asyncio.Future[tuple[Header, bytes, list[int]]]] = {}
        self.packets: defaultdict[int, asyncio.Queue[tuple[Header, bytes]]] = defaultdict(asyncio.Queue)
        self.events: asyncio.Queue[tuple[Procedure, tuple[Any, ...]]] = asyncio.Queue()
        self.pings = 0
        self.pongs = 0
        self.answer_pings = True
        self.closed = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.resume()

    @classmethod
    def connect(cls, path: Path) -> WireClient:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(str(path))
        except OSError:
            sock.close()
            raise
        sock.setblocking(False)
        return cls(sock)

    def resume(self) -> None:
        self.loop.add_reader(self.sock, self._readable)

    def pause(self) -> None:
        """Read nothing more: a client that is stuck."""
        self.loop.remove_reader(self.sock)

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            self.pause()
            self.sock.close()
        self._gone()

    async def __aenter__(self) -> WireClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    # what comes in

    def _readable(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self.pause()
            self._gone()
            return
        for message, passed in self.framer.feed(data, fds):
            self._message(read_header(message), message, passed)

    def _gone(self) -> None:
        self.closed.set()
        for future in self.replies.values():
            if not future.done():
                future.set_exception(Closed())
        self.replies.clear()

    def _message(self, header: Header, message: bytes, fds: list[int]) -> None:
        payload = message[PAYLOAD:]
        if header.program == KEEPALIVE_PROGRAM:
            self._keepalive(header)
        elif header.type in (Type.REPLY, Type.REPLY_WITH_FDS):
            self.replies.pop(header.serial).set_result((header, payload, fds))
        elif header.type in (Type.STREAM, Type.STREAM_HOLE):
            self.packets[header.serial].put_nowait((header, payload))
        else:
            assert header.type == Type.MESSAGE
            assert header.serial == EVENT_SERIAL
            procedure = PROGRAMS[header.program].procedures[header.procedure]
            self.events.put_nowait((procedure, procedure.decode_msg(payload, 0)))

    def _keepalive(self, header: Header) -> None:
        assert header.serial == 0
        if header.procedure == KEEPALIVE_PONG:
            self.pongs += 1
        else:
            self.pings += 1
            if self.answer_pings:
                self.sock.sendall(keepalive(KEEPALIVE_PONG))

    # what goes out

    def ping(self) -> None:
        self.sock.sendall(keepalive(KEEPALIVE_PING))

    def start(
        self, name: str, *args: object, program: Program = REMOTE, fds: list[int] | None = None
    ) -> asyncio.Future[tuple[Header, bytes, list[int]]]:
        """Send a call; the result comes to its reply."""
        procedure = program.by_name[name]
        type_ = Type.CALL if fds is None else Type.CALL_WITH_FDS
        header = Header(program.number, program.version, procedure.number, type_, next(self.serials), Status.OK)
        return self.start_raw(header, procedure.encode_args(args), fds)

    def start_raw(
        self, header: Header, payload: bytes, fds: list[int] | None = None
    ) -> asyncio.Future[tuple[Header, bytes, list[int]]]:
        future = self.replies[header.serial] = self.loop.create_future()
        self.sock.sendall(pack_message(header, payload, None if fds is None else len(fds)))
        for fd in fds or ():
            socket.send_fds(self.sock, [b"\0"], [fd])
        return future

    async def call(self, name: str, *args: object, program: Program = REMOTE, fds: list[int] | None = None) -> Any:
        """The result's fields; one field alone as it is."""
        return (await self.call_with_serial(name, *args, program=program, fds=fds))[0]

    async def call_with_serial(
        self, name: str, *args: object, program: Program = REMOTE, fds: list[int] | None = None
    ) -> tuple[Any, int]:
        """The same with the serial, which is a stream's name."""
        fields, header, got = await self.finish(self.start(name, *args, program=program, fds=fds))
        for fd in got:
            os.close(fd)
        return fields, header.serial

    async def call_for_fds(self, name: str, *args: object, program: Program = REMOTE) -> tuple[Any, list[int]]:
        fields, _, fds = await self.finish(self.start(name, *args, program=program))
        return fields, fds

    async def finish(self, reply: asyncio.Future[tuple[Header, bytes, list[int]]]) -> tuple[Any, Header, list[int]]:
        async with asyncio.timeout(TIMEOUT):
            header, payload, fds = await reply
        if header.status == Status.ERROR:
            raise decode_error(payload)
        if header.type == Type.REPLY_WITH_FDS:
            assert read_fd_count(payload, 0) == len(fds)
            payload = payload[4:]
        ret = PROGRAMS[header.program].procedures[header.procedure].decode_ret(payload, 0)
        return (ret[0] if len(ret) == 1 else ret), header, fds

    async def refused(self, name: str, *args: object, program: Program = REMOTE) -> VirtError:
        """The error that the call ends with."""
        try:
            result = await self.call(name, *args, program=program)
        except VirtError as error:
            return error
        raise AssertionError(f"{name} was answered: {result}")

    async def open(self, uri: str = "fake:///here", flags: int = 0) -> WireClient:
        await self.call("AUTH_LIST")
        await self.call("CONNECT_OPEN", uri, flags)
        return self

    async def event(self) -> tuple[str, tuple[Any, ...]]:
        """The next event: its procedure's name and its fields."""
        async with asyncio.timeout(TIMEOUT):
            procedure, fields = await self.events.get()
        return procedure.name, fields

    # streams

    def send_packet(self, name: str, serial: int, status: int, data: bytes = b"", type_: int = Type.STREAM) -> None:
        procedure = REMOTE.by_name[name]
        header = Header(REMOTE.number, REMOTE.version, procedure.number, type_, serial, status)
        self.sock.sendall(pack_message(header, data))

    async def packet(self, serial: int) -> tuple[int, int, bytes]:
        """The next packet of a stream: type, status, data."""
        async with asyncio.timeout(TIMEOUT):
            header, data = await self.packets[serial].get()
        return header.type, header.status, data
