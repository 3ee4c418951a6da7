# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes that outlive the daemon: watched and ended by descriptor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Self

from virtd.errors import Code, VirtError

#: Seconds that a process which was asked to end may take before it is killed, and that the killing may take.
TERM_SECONDS = 10.0
KILL_SECONDS = 30.0


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since the host's boot; None: there is no such process.

    A pid is used again, a pid with its start time is not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            stat = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


class Process:
    """One of them, a child or adopted; `close` ends the watching, not the process."""

    def __init__(self, pid: int, started: int, pidfd: int, child: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self.started = started
        self._pidfd = pidfd
        self._child = child
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._on_end: list[Callable[[], None]] = []
        self._loop.add_reader(pidfd, self._at_end)

    @classmethod
    def adopt(cls, pid: int, started: int) -> Self | None:
        """Watch a process that an earlier daemon started; None: it is gone, whoever has its pid now."""
        try:
            pidfd = os.pidfd_open(pid)
        except (ProcessLookupError, OSError):
            return None
        if start_ticks(pid) != started:  # asked after the open: what we hold is what we asked about
            os.close(pidfd)
            return None
        return cls(pid, started, pidfd, None)

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when the process has ended."""
        self._on_end.append(callback)

    def _at_end(self) -> None:
        self._loop.remove_reader(self._pidfd)
        if self._child is not None:
            self._child.wait()
        self._ended.set()
        for callback in self._on_end:
            callback()

    async def wait(self, seconds: float) -> bool:
        """Wait for the end; False: it did not come in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    def send(self, signal_number: int) -> None:
        """Send a signal to this very process; one that has ended does not mind."""
        if self._pidfd >= 0 and not self.ended:
            try:
                signal.pidfd_send_signal(self._pidfd, signal_number)
            except ProcessLookupError:
                return

    async def terminate(self, *, force: bool) -> None:
        """End the process: ask, and (`force`) kill when asking does not help.

        Raises:
            VirtError: SYSTEM_ERROR, it is still there.
        """
        self.send(signal.SIGTERM)
        if await self.wait(TERM_SECONDS):
            return
        if force:
            self.send(signal.SIGKILL)
            if await self.wait(KILL_SECONDS):
                return
        name = "SIGKILL" if force else "SIGTERM"
        raise VirtError(
            Code.SYSTEM_ERROR, f"Failed to terminate process {self.pid} with {name}: Device or resource busy"
        )

    def close(self) -> None:
        """Watch no more.  The process, if it runs, goes on and is init's child when the daemon ends."""
        if self._pidfd < 0:
            return
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = -1
        if self._child is not None and self._child.returncode is None:
            self._child.returncode = 0  # or subprocess would complain of a child left alone on purpose
