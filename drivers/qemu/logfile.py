# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's log: written by QEMU itself, so that it goes on without the daemon; we add the marks between runs."""

from __future__ import annotations

import os
import platform
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

#: How much of QEMU's own words an error carries.
TAIL_BYTES = 16384
#: QEMU's notes that explain no failure.
CHATTER = ("char device redirected to", "terminating on signal")


def timestamp() -> str:
    """Now, as libvirt's logs have it: UTC with milliseconds."""
    now = time.time()
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}+0000"


class LogFile:
    """The log of one guest.  Its methods write little to a local file, in place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> int:
        """A descriptor for QEMU to write to; the caller closes it."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, text: str) -> None:
        """Append a line with the time."""
        fd = self.open()
        try:
            os.write(fd, f"{timestamp()}: {text}\n".encode())
        finally:
            os.close(fd)

    def begin(self, fd: int, product: str, qemu: str, environment: Mapping[str, str], argv: Sequence[str]) -> int:
        """Write the head of a run, with the command line as a shell takes it; returns where QEMU's words begin."""
        head = (
            f"{timestamp()}: starting up {product}, qemu version: {qemu}, "
            f"kernel: {platform.release()}, hostname: {platform.node()}\n"
        )
        words = [f"{name}={shlex.quote(value)}" for name, value in environment.items()] + _lines(argv)
        os.write(fd, (head + " \\\n".join(words) + "\n").encode(errors="surrogateescape"))
        return os.lseek(fd, 0, os.SEEK_END)

    def words_since(self, position: int) -> str:
        """What QEMU said since `position`, without its chatter; the end of it where that is long."""
        with open(self.path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(position, end - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        return "\n".join(line for line in text.splitlines() if not any(c in line for c in CHATTER))


def _lines(argv: Sequence[str]) -> list[str]:
    """An option and its value share a line."""
    lines: list[str] = []
    for word in argv:
        if lines and not word.startswith("-") and lines[-1].startswith("-") and " " not in lines[-1]:
            lines[-1] += " " + shlex.quote(word)
        else:
            lines.append(shlex.quote(word))
    return lines
