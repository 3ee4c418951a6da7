# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every write that must survive goes through here.  These functions block: call them in a thread."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import stat
import time
from pathlib import Path

log = logging.getLogger(__name__)

#: Bytes that are read at once.
_CHUNK = 1 << 16
#: How the names of files begin that are not finished; what a killed process left of them is of no use.
UNFINISHED = ".new-"
#: Numbers of this process's.
_serial = itertools.count()


def sync_folder(folder: Path | str) -> None:
    """Make renames and removals in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600, durable: bool = True) -> None:
    """Replace `path` by `data`: readers see the old or the new content, never a part.

    Args:
        durable: also survive a host crash (file and folder are fsynced).  False only for what a host
            crash makes void anyway, such as the state of running guests.
    """
    folder = os.path.dirname(path) or "."
    temporary = f"{folder}/{UNFINISHED}{os.getpid()}-{next(_serial)}"
    fd = _create(temporary)
    try:
        try:
            os.fchmod(fd, mode)
            _write_all(fd, data)
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            error.filename = os.fspath(path)  # the kernel was not told its name, or that of the temporary one
        raise
    if durable:
        sync_folder(folder)


def read_regular(path: Path) -> bytes:
    """The content of a file, and of nothing that would keep a reader waiting.

    Raises:
        OSError: it cannot be read, or is no plain file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError("it is no plain file")
        parts = []
        while part := os.read(fd, _CHUNK):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)


def _create(path: str) -> int:
    """A new file of nobody else's; the folders above it are made if they are missing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except FileExistsError:  # an earlier process of our number was killed while it wrote
        os.unlink(path)
    return os.open(path, flags, 0o600)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def remove(path: Path, *, durable: bool = True) -> bool:
    """Remove `path`; False when it was not there."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    if durable:
        sync_folder(path.parent)
    return True


def symlink(target: Path, link: Path) -> None:
    """Make `link` point to `target`, durably; an existing link is replaced."""
    link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(target)
    sync_folder(link.parent)


def set_aside(path: Path, why: str) -> Path:
    """Rename a file that cannot be used so that nothing overwrites it, and say so in the log."""
    aside = path.with_name(f"{path.name}.unreadable-{time.strftime('%Y%m%d-%H%M%S')}")
    os.rename(path, aside)
    log.error("%s cannot be used and was set aside as %s: %s", path, aside.name, why)
    return aside
