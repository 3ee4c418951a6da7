# SPDX-License-Identifier: LGPL-2.1-or-later
"""A peer's socket: whole messages come in, whole messages and descriptors go out.

The socket is read and written here and not by an asyncio transport, because transports pass no
descriptors; the same code runs on plain asyncio and on uvloop.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable

from virtd.server.frames import Frame, Framer, MalformedError

RECEIVE = 65536
#: Room for one descriptor a receive: the kernel ends a receive behind each.
_ANCILLARY = socket.CMSG_LEN(array.array("i").itemsize)
#: Bytes that may wait to be sent before `congested` says so.
HIGH_WATER = 1 << 20


class Channel:
    """Frames over a connected, non-blocking stream socket, which it owns.

    `on_frame` is called for each message, `on_flushed` when what had to wait is sent, `on_close` once, with
    the reason, when the peer hung up, broke the protocol or `close` was called.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_frame: Callable[[Frame], None],
        on_flushed: Callable[[], None],
        on_close: Callable[[str], None],
    ) -> None:
        self._sock = sock
        self._fd = sock.fileno()
        self._loop = asyncio.get_running_loop()
        self._on_frame = on_frame
        self._on_flushed = on_flushed
        self._on_close = on_close
        self._framer = Framer()
        self._queue: deque[memoryview | int] = deque()  # an int is a descriptor to pass on
        self._writing = False
        self._empty = asyncio.Event()
        self._empty.set()
        self._reading = False
        self.unsent = 0  # bytes
        self.closed = False

    @property
    def reading(self) -> bool:
        """Whether anything is being received now."""
        return self._reading

    def resume(self) -> None:
        """Receive (again)."""
        if not self._reading and not self.closed:
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def pause(self) -> None:
        """Leave what the peer sends in the kernel's buffer."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _readable(self) -> None:
        try:
            data, ancillary, _, _ = self._sock.recvmsg(RECEIVE, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.close(error.strerror or str(error))
            return
        if not data:
            self.close("end of file")
            return
        try:
            for frame in self._framer.feed(data, _descriptors(ancillary) if ancillary else None):
                if self.closed:
                    _close_all(frame.fds)
                else:
                    self._on_frame(frame)
        except MalformedError as error:
            self.close(f"malformed message: {error}")

    def send(self, data: bytes, fds: list[int] | None = None) -> None:
        """Send a message and `fds` behind it; takes the descriptors over.  Never waits."""
        if self.closed:
            _close_all(fds or [])
            return
        if not self._queue and not fds:
            data = data[self._try_send(data) :]
            if not data:
                return
        self._queue.append(memoryview(data))
        self._queue.extend(fds or ())
        self.unsent += len(data)
        self._flush()

    def _try_send(self, data: bytes | memoryview) -> int:
        try:
            return self._sock.send(data, socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self.close(error.strerror or str(error))
            return len(data)

    def _flush(self) -> None:
        while self._queue and not self.closed:
            item = self._queue[0]
            if not (self._pass_on(item) if isinstance(item, int) else self._send_part(item)):
                break
        self._watch_writable()

    def _send_part(self, part: memoryview) -> bool:
        """True when all of `part`, the queue's first, is sent."""
        sent = self._try_send(part)
        if self.closed:
            return False
        self.unsent -= sent
        if sent < len(part):
            self._queue[0] = part[sent:]
            return False
        self._queue.popleft()
        return True

    def _pass_on(self, fd: int) -> bool:
        """Send the descriptor that is first in the queue, and close ours."""
        try:
            socket.send_fds(self._sock, [b"\0"], [fd], socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self.close(error.strerror or str(error))
            return False
        self._queue.popleft()
        os.close(fd)
        return True

    def _watch_writable(self) -> None:
        waiting = bool(self._queue)
        if self.closed or waiting == self._writing:
            return
        self._writing = waiting
        if waiting:
            self._empty.clear()
            self._loop.add_writer(self._fd, self._flush)
        else:
            self._loop.remove_writer(self._fd)
            self._empty.set()
            self._on_flushed()

    @property
    def congested(self) -> bool:
        """More waits to be sent than is good: produce no more for now."""
        return self.unsent > HIGH_WATER

    async def flushed(self) -> None:
        """Return when everything is sent or the channel closed."""
        await self._empty.wait()

    def close(self, reason: str) -> None:
        """Hang up at once; what is not sent yet is lost."""
        if self.closed:
            return
        self.pause()
        if self._writing:
            self._loop.remove_writer(self._fd)
        self.closed = True
        self._empty.set()
        _close_all([item for item in self._queue if isinstance(item, int)])
        self._queue.clear()
        self._framer.close()
        self._sock.close()
        self._on_close(reason)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    fds = array.array("i")
    for level, type_, data in ancillary:
        if level == socket.SOL_SOCKET and type_ == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return fds.tolist()


def _close_all(fds: list[int]) -> None:
    for fd in fds:
        with contextlib.suppress(OSError):
            os.close(fd)
