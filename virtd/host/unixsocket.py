# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unix sockets at paths of any length: the kernel takes 107 bytes, so the folder is named by a descriptor."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def short_name(path: Path) -> Iterator[str]:
    """Another name of `path`, good while the context lasts.

    Raises:
        OSError: there is no such folder.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def listen(path: Path) -> socket.socket:
    """A listening socket in place of whatever was there.

    Raises:
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_name(path) as name:
            sock.bind(name)
        sock.listen(1)
    except BaseException:
        sock.close()
        raise
    return sock
