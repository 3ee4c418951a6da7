# SPDX-License-Identifier: LGPL-2.1-or-later
"""Loop devices for images: the kernel removes them when the last one who uses them is gone."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from virtd.errors import Code, VirtError

_CONTROL = "/dev/loop-control"
_GET_FREE, _CONFIGURE = 0x4C82, 0x4C0A
_READ_ONLY, _AUTOCLEAR = 1, 4
#: loop_config: the file, the size of blocks, then loop_info64, of which only the flags and the name are said.
_CONFIG = struct.Struct("=II 52x I 64s 176x")
_TRIES = 64


def attach(image: str, *, readonly: bool) -> tuple[int, str]:
    """A loop device for an image: its descriptor, which the caller closes once the device is in use, and its path.

    Raises:
        VirtError: SYSTEM_ERROR, there is no image, or no device for it.
    """
    try:
        file = os.open(image, (os.O_RDONLY if readonly else os.O_RDWR) | os.O_CLOEXEC)
    except OSError as error:
        raise _failed(f"Unable to open {image}", error) from error
    try:
        return _configure(file, image, _AUTOCLEAR | (_READ_ONLY if readonly else 0))
    except OSError as error:
        raise _failed("Unable to find a free loop device", error) from error
    finally:
        os.close(file)


def _configure(file: int, image: str, flags: int) -> tuple[int, str]:
    """Take the next free device; others may be faster."""
    for _ in range(_TRIES):
        path = f"/dev/loop{_free_number()}"
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, _CONFIGURE, _CONFIG.pack(file, 0, flags, os.fsencode(image)[:63]))
        except OSError as error:
            os.close(device)
            if error.errno != errno.EBUSY:
                raise
        else:
            return device, path
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _free_number() -> int:
    control = os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(control, _GET_FREE)
    finally:
        os.close(control)


def _failed(text: str, error: OSError) -> VirtError:
    return VirtError(Code.SYSTEM_ERROR, f"{text}: {error.strerror}", ints=(error.errno or 0, -1))
