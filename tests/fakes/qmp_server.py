# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QMP server that does what a test tells it: reply, refuse, keep silent, hang up, send garbage, emit events.

async with FakeQmpServer(path) as qemu:
    qemu.replies["query-status"] = {"status": "running", "running": True}
    qemu.replies["stop"] = FakeError("no")
    qemu.replies["cont"] = SILENCE
    qemu.event("STOP")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Self

GREETING = {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}

#: Do not answer this command.
SILENCE = object()
#: Close the connection instead of answering.
HANG_UP = object()


class FakeError(Exception):
    """An answer of the error kind; also raised by a callable reply."""

    def __init__(self, description: str, error_class: str = "GenericError") -> None:
        super().__init__(description)
        self.error = {"class": error_class, "desc": description}


class Garbage(bytes):
    """An answer that is sent as it stands."""


#: A value, FakeError, Garbage, SILENCE, HANG_UP, or a function of the arguments that gives one of them.
Reply = Any


class FakeQmpServer:
    """Listens on a unix socket; one client at a time."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.greeting: dict[str, Any] | bytes | None = GREETING
        self.replies: dict[str, Reply] = {}
        #: What was asked, in order, without the negotiation.
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.fds: list[int] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._client: socket.socket | None = None
        self._unread = ""
        self._unsent = b""

    async def __aenter__(self) -> Self:
        self._listener.bind(self.path)
        self._listener.listen(1)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for fd in self.fds:
            os.close(fd)

    def _accept(self) -> None:
        self._client, _ = self._listener.accept()
        self._client.setblocking(False)
        asyncio.get_running_loop().add_reader(self._client, self._readable)
        if self.greeting is not None:
            self.send(self.greeting)

    def hang_up(self) -> None:
        """Close the connection."""
        if self._client is not None:
            asyncio.get_running_loop().remove_reader(self._client)
            asyncio.get_running_loop().remove_writer(self._client)
            self._client.close()
            self._client = None
            self._unread, self._unsent = "", b""

    def get_stuck(self) -> None:
        """Read nothing any more."""
        assert self._client is not None
        asyncio.get_running_loop().remove_reader(self._client)

    def send(self, message: dict[str, Any] | bytes) -> None:
        """Send a message, or bytes as they are."""
        self._unsent += message if isinstance(message, bytes) else json.dumps(message).encode() + b"\r\n"
        self._writable()

    def event(self, name: str, **data: Any) -> None:
        """Emit an event."""
        now = time.time()
        stamp = {"seconds": int(now), "microseconds": int(now % 1 * 1e6)}
        self.send({"event": name, "data": data, "timestamp": stamp})

    def _writable(self) -> None:
        assert self._client is not None
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError):
            self._unsent = self._unsent[self._client.send(self._unsent) :]
        if self._unsent:
            loop.add_writer(self._client, self._writable)
        else:
            loop.remove_writer(self._client)

    def _readable(self) -> None:
        assert self._client is not None
        data, fds, _, _ = socket.recv_fds(self._client, 65536, 8)
        self.fds += fds
        if not data:
            self.hang_up()
            return
        self._unread += data.decode()
        while self._unread.strip() and self._client is not None:
            try:
                message, end = json.JSONDecoder().raw_decode(self._unread.lstrip())
            except json.JSONDecodeError:
                return
            self._unread = self._unread.lstrip()[end:]
            self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        command, arguments = message.get("execute") or message["exec-oob"], message.get("arguments", {})
        if command == "qmp_capabilities":
            self.send({"return": {}, "id": message.get("id")} if "id" in message else {"return": {}})
            return
        self.commands.append((command, arguments))
        reply = self.replies.get(command, FakeError(f"The command {command} has not been found", "CommandNotFound"))
        if isinstance(reply, Callable) and not isinstance(reply, type):  # type: ignore[arg-type]
            try:
                reply = reply(arguments)
            except FakeError as error:
                reply = error
        self._send_reply(reply, message)

    def _send_reply(self, reply: Reply, message: dict[str, Any]) -> None:
        if reply is SILENCE:
            return
        if reply is HANG_UP:
            self.hang_up()
        elif isinstance(reply, Garbage):
            self.send(bytes(reply))
        elif isinstance(reply, FakeError):
            self.send({"error": reply.error, "id": message.get("id")})
        else:
            self.send({"return": reply, "id": message.get("id")})
