# SPDX-License-Identifier: LGPL-2.1-or-later
"""Consoles: for each one a terminal in the container and one on the host, and the data between them.

The host's side is raw.  Both slaves stay open here, so that neither end ever sees the other hang up, whether a getty
starts again, a client leaves or the daemon is restarted.
"""

from __future__ import annotations

import os
import termios

from drivers.lxc.controller import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes kept of what a container says while nobody reads; the oldest go first, so that it never waits.
KEPT = 64 * 1024
#: Bytes kept of what a client types while the container does not read; then the client waits.
TYPED = 4096
_CHUNK = 4096


def open_pair(ptmx: str) -> tuple[int, int, int]:
    """A terminal of the instance that `ptmx` belongs to: master, slave, number."""
    flags = os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC
    master = os.open(ptmx, flags | os.O_NONBLOCK)
    number = kernel.unlock_terminal(master)
    slave = os.open(os.path.join(os.path.dirname(ptmx), str(number)), flags)
    return master, slave, number


def open_slave(master: int) -> int:
    """The other end of a terminal that the daemon made."""
    slave = os.open(f"/dev/pts/{kernel.unlock_terminal(master)}", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    _make_raw(slave)
    return slave


def _make_raw(fd: int) -> None:
    mode = termios.tcgetattr(fd)
    mode[0] = mode[1] = 0
    mode[2] = mode[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    mode[3] = 0
    termios.tcsetattr(fd, termios.TCSANOW, mode)


class Flow:
    """Data on its way from one descriptor to another."""

    def __init__(self, source: int, sink: int, limit: int, *, drops: bool) -> None:
        self.source = source
        self.sink = sink
        self._limit = limit
        self._drops = drops
        self._data = b""

    @property
    def wants_data(self) -> bool:
        return self._drops or len(self._data) < self._limit

    @property
    def has_data(self) -> bool:
        return bool(self._data)

    def read(self) -> None:
        try:
            self._data += os.read(self.source, _CHUNK)
        except (BlockingIOError, OSError):
            return
        if self._drops:
            self._data = self._data[-self._limit :]
        self.write()

    def write(self) -> None:
        try:
            self._data = self._data[os.write(self.sink, self._data) :]
        except (BlockingIOError, OSError):
            return


class Terminal:
    """A console, bridged."""

    def __init__(self, host: int, inner: int, slaves: tuple[int, int]) -> None:
        os.set_blocking(host, False)
        self.host, self.inner, self._slaves = host, inner, slaves
        self._said = Flow(inner, host, KEPT, drops=True)
        self._typed = Flow(host, inner, TYPED, drops=False)

    def interests(self) -> list[tuple[int, bool, bool]]:
        """What to wait for: (descriptor, data to read?, room to write?)."""
        return [
            (self.inner, self._said.wants_data, self._typed.has_data),
            (self.host, self._typed.wants_data, self._said.has_data),
        ]

    def ready(self, fd: int, *, data: bool, room: bool) -> None:
        """One of the two descriptors can be read or written."""
        inward, outward = (self._said, self._typed) if fd == self.inner else (self._typed, self._said)
        if room:
            outward.write()
        if data:
            inward.read()

    def drain(self) -> None:
        """Carry over what the container said last."""
        for _ in range(KEPT // _CHUNK):
            self._said.read()


def bridge(hosts: list[int], folder: str, show: Callable[[int, str], None]) -> list[Terminal]:
    """Make a terminal in `folder` (a devpts) for each of the host's; `show` gives it its names in /dev."""
    terminals = []
    for index, host in enumerate(hosts):
        master, slave, number = open_pair(f"{folder}/ptmx")
        show(number, f"tty{index + 1}")
        if index == 0:
            show(number, "console")
        terminals.append(Terminal(host, master, (slave, open_slave(host))))
    return terminals
