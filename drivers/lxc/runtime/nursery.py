# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where controllers come from: a process with the program loaded, which forks one when asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import drivers
from virtd.errors import Code, VirtError
from virtd.threads import in_thread

#: Seconds for a controller to be born; the first one waits for the nursery itself.
SECONDS = 10.0

#: What the interpreter runs: where this package is, and nothing else of its surroundings.
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from drivers.lxc.controller import nursery; nursery.serve()"
_ROOT = str(Path(drivers.__file__).parent.parent)
_PID_BYTES = 4


class Nursery:
    """The nursery of one daemon; its process is started when the first controller is asked for, and again if it dies."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    async def fork(self, line: socket.socket, output: int) -> int:
        """A new controller, whose standard input is `line` and whose output goes to `output`; returns its pid.

        Raises:
            VirtError: INTERNAL_ERROR, there is none.
        """
        async with self._asking:
            try:
                with contextlib.suppress(OSError):
                    return await self._ask(line, output)
                self.close()  # it was killed: once more with a new one
                return await self._ask(line, output)
            except (OSError, TimeoutError) as error:
                self.close()
                text = f"cannot start a container's controller: {error or 'no answer'}"
                raise VirtError(Code.INTERNAL_ERROR, text) from error

    async def _ask(self, line: socket.socket, output: int) -> int:
        if self._socket is None:
            await in_thread(self._start)
        assert self._socket is not None
        socket.send_fds(self._socket, [b"c"], [line.fileno(), output])
        async with asyncio.timeout(SECONDS):
            answer = await asyncio.get_running_loop().sock_recv(self._socket, _PID_BYTES)
        if len(answer) != _PID_BYTES:
            raise ConnectionResetError("the nursery has ended")
        return int.from_bytes(answer, "little")

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, _ROOT],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={},
                start_new_session=True,
                cwd="/",
            )
        self._socket = ours

    def close(self) -> None:
        """End the process; its controllers go on."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


def watch(pid: int) -> int:
    """A descriptor of a process just born.

    Raises:
        VirtError: INTERNAL_ERROR, it has died already.
    """
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise VirtError(Code.INTERNAL_ERROR, "the container's controller ended unexpectedly") from None
