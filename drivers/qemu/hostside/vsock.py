# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's side of a guest's vsock: a device of the host that is told the guest's number."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

from conf.domain.devices.vsock import Cid, Vsock
from virtd.errors import Code, From, VirtError

DEVICE = Path("/dev/vhost-vsock")

_SET_GUEST_CID = 0x4008AF60
#: Those below are the hypervisor's, the host's, or nobody's.
_FIRST_CID = 3
_LAST_CID = 2**32 - 2


def connect(vsock: Vsock) -> int:
    """A descriptor of the guest's side; a number that is to be chosen is written into the definition.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, the host has no such device; SYSTEM_ERROR, the number is not to be had.
    """
    try:
        fd = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "unable to open vhost-vsock device") from error
    try:
        vsock.cid = vsock.cid or Cid(auto=True)
        if vsock.cid.auto:
            vsock.cid.address = _take_free(fd)
        else:
            _take(fd, vsock.cid.address or 0)
    except OSError as error:
        os.close(fd)
        text = f"failed to set guest cid: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error
    return fd


def _take_free(fd: int) -> int:
    """Take the first number that no other guest has."""
    for cid in range(_FIRST_CID, _LAST_CID):
        try:
            _take(fd, cid)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return cid
    raise OSError(errno.EADDRINUSE, "")


def _take(fd: int, cid: int) -> None:
    fcntl.ioctl(fd, _SET_GUEST_CID, struct.pack("=Q", cid))
