# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's half of the talk with a container's controller."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drivers.common.process import Process, start_ticks
from drivers.lxc.controller.messages import Lines, line
from drivers.lxc.controller.plan import Plan
from drivers.lxc.runstate import End
from drivers.lxc.runtime.nursery import Nursery, watch
from virtd.errors import Code, VirtError
from virtd.host.unixsocket import short_name

log = logging.getLogger(__name__)

#: Seconds for a container to be made, and for an answer while it runs.
START_SECONDS = 30.0
ANSWER_SECONDS = 10.0
_CHUNK = 65536


class Controller:
    """One controller: its process and the connection to it."""

    def __init__(self, process: Process, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.process = process
        self._socket = sock
        self._on_end: Callable[[End], None] | None = None
        self._lines = Lines()
        self._answers: list[asyncio.Future[Any]] = []
        self._talk = asyncio.Lock()
        self._end: End | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    @classmethod
    async def spawn(cls, nursery: Nursery, output: int) -> Controller:
        """A new one, which waits for its plan; what it has to say goes to the descriptor `output`.

        Raises:
            VirtError: INTERNAL_ERROR, there is none.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                pid = await nursery.fork(theirs, output)
            process = Process(pid, start_ticks(pid) or 0, watch(pid), None)
        except BaseException:
            ours.close()
            raise
        return cls(process, ours)

    @classmethod
    def find(cls, pid: int, started: int, path: Path) -> Controller | None:
        """Connect to one that an earlier daemon started; None: it is gone."""
        process = Process.adopt(pid, started)
        if process is None:
            return None
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short_name(path) as name:
                sock.setblocking(False)
                sock.connect(name)
        except OSError as error:
            log.warning("controller %d does not listen at %s: %s", pid, path, error)
            sock.close()
            process.close()
            return None
        return cls(process, sock)

    # -- talk

    async def start(self, plan: Plan, descriptors: list[int]) -> tuple[int, list[str]]:
        """Have the container made; returns its init's pid and the names of the host's ends of its network devices.

        Raises:
            VirtError: INTERNAL_ERROR, in the controller's words.
        """
        answer = await self._ask(line(dict(plan)), descriptors, START_SECONDS)
        return int(answer["init"]), [str(name) for name in answer["veths"]]

    async def ask(self, request: str, **arguments: object) -> Any:
        """Ask for something while the container runs.

        Raises:
            VirtError: INTERNAL_ERROR, in the controller's words; OPERATION_TIMEOUT.
        """
        return await self._ask(line({"do": request, **arguments}), [], ANSWER_SECONDS)

    async def _ask(self, message: bytes, descriptors: list[int], seconds: float) -> Any:
        async with self._talk:
            answer = self._loop.create_future()
            self._answers.append(answer)
            try:
                async with asyncio.timeout(seconds):
                    await self._send(message, descriptors)
                    return await answer
            except TimeoutError:
                raise VirtError(Code.OPERATION_TIMEOUT, "the container's controller does not answer") from None
            except OSError as error:
                raise VirtError(Code.INTERNAL_ERROR, f"the container's controller is gone: {error}") from error

    async def _send(self, message: bytes, descriptors: list[int]) -> None:
        sent = socket.send_fds(self._socket, [message], descriptors) if descriptors else 0
        await self._loop.sock_sendall(self._socket, message[sent:])

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
            messages = self._lines.feed(data)
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            log.warning("controller %d: %s", self.process.pid, error)
            data, messages = b"", []
        for message in messages:
            self._take(message)
        if not data:
            self._gone()

    def _take(self, message: Any) -> None:
        if "ended" in message:
            self._tell_end(End.REBOOT if message["ended"] == "reboot" else End.SHUTDOWN)
        elif self._answers:
            answer = self._answers.pop(0)
            if answer.done():
                return
            if "error" in message:
                answer.set_exception(_failure(*message["error"]))
            else:
                answer.set_result(message.get("ok"))

    def _gone(self) -> None:
        """The controller's end of the connection is closed: it is no more, and so is its container."""
        self._loop.remove_reader(self._socket.fileno())
        for answer in self._answers:
            if not answer.done():
                text = "the container's controller ended unexpectedly"
                answer.set_exception(VirtError(Code.INTERNAL_ERROR, text))
        self._answers.clear()
        self._tell_end(End.CRASHED)

    def _tell_end(self, how: End) -> None:
        if self._end is None:
            self._end = how
            if self._on_end is not None:
                self._on_end(how)

    def on_end(self, callback: Callable[[End], None]) -> None:
        """Call `callback` once with how the container ended, by the controller's word or by its silence; now, if it has."""
        self._on_end = callback
        if self._end is not None:
            callback(self._end)

    def close(self) -> None:
        """Hear and watch no more; controller and container go on."""
        self._on_end = None
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        self.process.close()


def _failure(number: int, text: str) -> VirtError:
    code = Code.SYSTEM_ERROR if number else Code.INTERNAL_ERROR
    return VirtError(code, str(text), ints=(int(number), -1) if number else (-1, -1))
