# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making, copying, resizing, wiping and removing the files of volumes.  These functions block."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from conf.storage import Volume
from conf.storage.permissions import Permissions
from drivers.storage.directory import take_ownership
from drivers.storage.errors import system_error
from virtd.errors import From, invalid_arg, operation_invalid
from virtd.store.files import sync_folder

#: The mode of what is made, if the XML says nothing.
DEFAULT_MODE = 0o600
#: ioctl: share the other file's blocks.
_FICLONE = 0x40049409
_CHUNK = 1 << 20


def create_empty(volume: Volume) -> None:
    """Make a file of no length, which nobody but us can read.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    try:
        os.close(os.open(_path(volume), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise system_error(f"Failed to create file '{_path(volume)}'", error, source=From.NONE) from error


def create_folder(volume: Volume) -> None:
    """Make a volume that is a folder.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    if volume.backing_store is not None:
        raise operation_invalid("backing storage not supported for directories volumes")
    try:
        os.mkdir(_path(volume))
        take_ownership(_path(volume), volume.target.permissions or Permissions(), DEFAULT_MODE)
    except OSError as error:
        raise system_error(f"failed to create directory '{_path(volume)}'", error, source=From.NONE) from error


def fill(volume: Volume, source: str | None, *, share: bool) -> None:
    """Give a raw volume's file its size, its blocks, and the content of the file `source`.

    Args:
        share: the blocks are those of `source`, until one of the two is written to.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    path = _path(volume)
    with _opened(path, os.O_RDWR) as fd:
        _attempt(f"cannot extend file '{path}'", lambda: os.ftruncate(fd, volume.capacity))
        if volume.allocation and not share:
            _attempt(
                f"cannot allocate {volume.allocation} bytes in file '{path}'",
                lambda: os.posix_fallocate(fd, 0, volume.allocation),
            )
        if source is not None:
            with _opened(source, os.O_RDONLY) as other:
                if share:
                    text = f"failed to clone files from '{source}'"
                    _attempt(text, lambda: fcntl.ioctl(fd, _FICLONE, other))
                else:
                    what = f"failed to copy '{source}' to '{path}'"
                    _attempt(what, lambda: _copy(other, fd, sparse=_is_sparse(volume)))


def _is_sparse(volume: Volume) -> bool:
    return volume.allocation < volume.capacity


def _copy(source: int, target: int, *, sparse: bool) -> None:
    """Copy a file; of a sparse one, only the blocks that are not all zeros."""
    offset = 0
    while chunk := os.pread(source, _CHUNK, offset):
        if not sparse or chunk.count(0) != len(chunk):
            write_all(target, chunk, offset)
        offset += len(chunk)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write `data` at an offset, whatever number of writes that takes."""
    left = memoryview(data)
    while left:
        done = os.pwrite(fd, left, offset)
        left, offset = left[done:], offset + done


def finish(volume: Volume) -> None:
    """Give a new file its owner and mode, and make it durable.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    path = _path(volume)
    try:
        take_ownership(path, volume.target.permissions or Permissions(), DEFAULT_MODE)
    except OSError as error:
        raise system_error(f"cannot set mode of '{path}'", error) from error
    _sync(path)
    sync_folder(Path(path).parent)


def _sync(path: str) -> None:
    with _opened(path, os.O_RDONLY) as fd:
        _attempt(f"cannot sync data to file '{path}'", lambda: os.fsync(fd))


def resize(volume: Volume, capacity: int, *, allocate: bool) -> None:
    """Change a raw volume's size to `capacity` bytes; `allocate`: with blocks for all of it.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    path = _path(volume)
    with _opened(path, os.O_RDWR) as fd:
        if allocate:
            text = f"Failed to pre-allocate space for file '{path}'"
            _attempt(text, lambda: os.posix_fallocate(fd, 0, capacity), source=From.NONE)
        text = f"Failed to truncate file '{path}'"
        _attempt(text, lambda: os.ftruncate(fd, capacity), source=From.NONE)


def wipe(volume: Volume) -> None:
    """Overwrite everything with zeros; a sparse file is emptied instead.

    Raises:
        VirtError: SYSTEM_ERROR, INVALID_ARG: it is no file.
    """
    path = _path(volume)
    if volume.type == "dir":
        raise invalid_arg(f"cannot wipe directory '{path}'")
    with _opened(path, os.O_RDWR) as fd:
        status = os.fstat(fd)
        _attempt(f"Failed to wipe '{path}'", lambda: _zero(fd, status))


def _zero(fd: int, status: os.stat_result) -> None:
    if status.st_blocks * 512 < status.st_size:
        os.ftruncate(fd, 0)
        os.ftruncate(fd, status.st_size)
        return
    size = os.lseek(fd, 0, os.SEEK_END)
    zeros = bytes(_CHUNK)
    for offset in range(0, size, _CHUNK):
        write_all(fd, zeros[: size - offset], offset)
    os.fdatasync(fd)


def remove(volume: Volume) -> None:
    """Remove a volume's file or (empty) folder; it may be gone already.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    path = _path(volume)
    is_folder = volume.type == "dir"
    try:
        (os.rmdir if is_folder else os.unlink)(path)
        sync_folder(Path(path).parent)
    except FileNotFoundError:
        pass
    except OSError as error:
        text = f"cannot remove directory '{path}'" if is_folder else f"cannot unlink file '{path}'"
        raise system_error(text, error) from error


def discard(volume: Volume) -> None:
    """Remove what a failed attempt left."""
    with contextlib.suppress(OSError):
        (os.rmdir if volume.target.format == "dir" else os.unlink)(_path(volume))


def _path(volume: Volume) -> str:
    return volume.target.path or ""


@contextlib.contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    try:
        fd = os.open(path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise system_error(f"cannot open file '{path}'", error) from error
    try:
        yield fd
    finally:
        os.close(fd)


def _attempt(text: str, work: Callable[[], object], *, source: From = From.STORAGE) -> None:
    try:
        work()
    except OverflowError as error:
        # A size beyond what the kernel counts; it would take it for a negative one.
        raise system_error(text, OSError(errno.EINVAL, os.strerror(errno.EINVAL)), source=source) from error
    except OSError as error:
        raise system_error(text, error, source=source) from error
