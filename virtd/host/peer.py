# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who is at the other end of a unix socket, as the kernel tells it."""

from __future__ import annotations

import functools
import pwd
import socket
import struct

from virtd.calls import Identity

_CREDENTIALS = struct.Struct("iii")
_MAX_CONTEXT = 4096


def peer_identity(sock: socket.socket) -> Identity:
    """The process that connected, and its user."""
    if sock.family != socket.AF_UNIX:
        return Identity()
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(data)
    return Identity(uid=uid, gid=gid, pid=pid, user=user_name(uid))


def peer_selinux_context(sock: socket.socket) -> str | None:
    """The security label of the process that connected, where the kernel has labels."""
    try:
        context = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERSEC, _MAX_CONTEXT)
    except OSError:
        return None
    return context.rstrip(b"\0").decode(errors="replace") or None


@functools.lru_cache(maxsize=256)
def user_name(uid: int) -> str | None:
    """The name of a user, if it has one."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
