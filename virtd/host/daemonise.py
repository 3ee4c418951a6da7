# SPDX-License-Identifier: LGPL-2.1-or-later
"""Into the background: the command ends when the daemon serves, or has failed to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def daemonise(output: Path) -> Callable[[], None]:
    """Go on as a process without terminal, whose output goes to the file `output`.

    The calling process waits until the returned function is called there, and exits with 0 then, or
    with 1 when the daemon ends before.
    """
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os._exit(0 if os.read(reader, 1) else 1)
    os.close(reader)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    output.parent.mkdir(parents=True, exist_ok=True)
    _redirect(Path("/dev/null"), os.O_RDONLY, (0,))
    _redirect(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, (1, 2))

    def ready() -> None:
        os.write(writer, b"\0")
        os.close(writer)

    return ready


def _redirect(path: Path, flags: int, fds: tuple[int, ...]) -> None:
    source = os.open(path, flags, 0o600)
    for fd in fds:
        os.dup2(source, fd)
    os.close(source)
