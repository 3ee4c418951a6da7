# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU as an operating system process: started to outlive the daemon, watched and ended by descriptor."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from drivers.qemu.settings import Account
from virtd.errors import Code, VirtError

#: Seconds that a QEMU which was asked to end may take before it is killed, and that the killing may take.
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


def find_by_argument(text: str) -> int | None:
    """The process that was started with an argument that contains `text`, which no other has.  Blocks."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if os.fsencode(text) in file.read():
                        return int(entry)
            except OSError:  # it ended while we looked
                continue
    return None


class Process:
    """One QEMU.  Made by `spawn` or `adopt`; `close` ends the watching, not the process."""

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
    async def spawn(
        cls,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        descriptors: Sequence[int],
        output: int,
        account: Account | None,
    ) -> Process:
        """Start a program in a session of its own, its output going to the descriptor `output`.

        Args:
            descriptors: inherited under the same numbers; they stay open here.
            account: whom it runs as; None: the daemon's own user.

        Raises:
            VirtError: INTERNAL_ERROR, the program cannot be run.
        """
        try:
            child = await asyncio.to_thread(_spawn, argv, environment, descriptors, output, account)
        except (OSError, subprocess.SubprocessError) as error:
            detail = f"Failed to start QEMU: {argv[0]}: {getattr(error, 'strerror', None) or error}"
            raise VirtError(Code.INTERNAL_ERROR, detail) from error
        return cls(child.pid, start_ticks(child.pid) or 0, os.pidfd_open(child.pid), child)

    @classmethod
    def adopt(cls, pid: int, started: int) -> Process | None:
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


def _spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    descriptors: Sequence[int],
    output: int,
    account: Account | None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=descriptors,
        start_new_session=True,
        cwd="/",
        umask=0o002,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=account.groups if account else None,
    )
