# SPDX-License-Identifier: LGPL-2.1-or-later
"""Namespaces: those that a container shares with others (`<lxc:namespace>`), and its own for clients to enter."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from conf.domain import Domain
from conf.domain.extensions import LxcShare
from virtd.errors import Code, From, VirtError

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest

#: Element of `<lxc:namespace>` → the namespace's name in /proc/PID/ns.
_SHARES = {"sharenet": "net", "shareipc": "ipc", "shareuts": "uts"}
#: Where named network namespaces are kept.
_NETNS = "/var/run/netns"
_FLAGS = os.O_RDONLY | os.O_CLOEXEC


def open_shared(guest: Guest, domain: Domain) -> dict[str, int]:
    """Open the namespaces that the container shares: name → descriptor, the caller's.

    Raises:
        VirtError: INVALID_ARG or SYSTEM_ERROR: whose it is to be is not there.
    """
    shares = domain.lxc_namespace
    opened: dict[str, int] = {}
    if shares is None:
        return opened
    try:
        for element, name in _SHARES.items():
            share = getattr(shares, element)
            if share is not None:
                opened[name] = _open(_path(guest, share, name), _described(share, element))
    except BaseException:
        for fd in opened.values():
            os.close(fd)
        raise
    return opened


def _path(guest: Guest, share: LxcShare, name: str) -> str:
    if share.type == "netns":
        if name != "net":
            text = "'netns' namespace source can only be used with sharenet"
            raise VirtError(Code.CONFIG_UNSUPPORTED, text)
        return f"{_NETNS}/{os.path.basename(share.value)}"
    return f"/proc/{_pid(guest, share)}/ns/{name}"


def _pid(guest: Guest, share: LxcShare) -> int:
    if share.type == "pid":
        if not share.value.isascii() or not share.value.isdigit():
            raise VirtError(Code.INVALID_ARG, f"Invalid PID {share.value}")
        return int(share.value)
    other = guest.context.guests.by_name(share.value)
    if other is None or other.run is None or not other.run.init_pid:
        raise VirtError(Code.NO_DOMAIN, f"No domain with matching name '{share.value}'")
    return other.run.init_pid


def _described(share: LxcShare, element: str) -> str:
    return f"netns {share.value}" if share.type == "netns" else f"ns {element}"


def _open(path: str, what: str) -> int:
    try:
        return os.open(path, _FLAGS)
    except OSError as error:
        text = f"failed to open {what}: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.LXC, ints=(error.errno or 0, -1)) from error


def open_own(pid: int) -> list[tuple[str, int]]:
    """The namespaces of a container's init, for a client to enter: (name, descriptor), the caller's.

    Raises:
        VirtError: SYSTEM_ERROR, it has just ended.
    """
    opened: list[tuple[str, int]] = []
    try:
        for name in ("user", "ipc", "uts", "net", "pid", "mnt"):
            if _is_own(pid, name):
                opened += [(name, _open(f"/proc/{pid}/ns/{name}", f"ns {name}"))]
    except BaseException:
        for _, fd in opened:
            os.close(fd)
        raise
    return opened


def _is_own(pid: int, name: str) -> bool:
    """A user namespace that one is in already cannot be entered."""
    if name != "user":
        return os.path.exists(f"/proc/{pid}/ns/{name}")
    try:
        return os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user")
    except OSError:
        return False
