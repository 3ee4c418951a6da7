# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host in a container: disks and hostdevs as nodes in its /dev, and what its control group allows."""

from __future__ import annotations

import os
import stat
from typing import Any

from conf.domain import Domain
from conf.domain.devices.hostdev import Hostdev
from drivers.common import usb
from drivers.lxc.controller.plan import Node
from virtd.errors import Code, VirtError

_MODE = 0o777


def is_net(device: Any) -> bool:
    """Whether it is a network device of the host's that the container gets."""
    return isinstance(device, Hostdev) and device.mode == "capabilities" and device.type == "net"


def nodes(domain: Domain) -> list[Node]:
    """The nodes of all disks and hostdevs.

    Raises:
        VirtError: a device is not there, or is none that a container can have.
    """
    devices = [*domain.devices.disks, *domain.devices.hostdevs]
    return [found for found in (node(device) for device in devices) if found is not None]


def node(device: Any) -> Node | None:
    """The node of a disk or hostdev; None: it needs none."""
    if isinstance(device, Hostdev):
        return _hostdev_node(device)
    return _node(_disk_source(device), device.target.dev, block_only=True)


def _disk_source(disk: Any) -> str:
    if disk.type != "block":
        text = "Can't setup disk for non-block device"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    source = disk.source.local_path if disk.source is not None else None
    if not source:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Can't setup disk without media")
    return str(source)


def _hostdev_node(hostdev: Any) -> Node | None:
    if is_net(hostdev):
        return None
    if hostdev.mode == "capabilities":
        path = hostdev.source.block if hostdev.type == "storage" else hostdev.source.char
        return _node(path, path.removeprefix("/dev/"), block_only=hostdev.type == "storage")
    if hostdev.type == "usb":
        path = usb.resolve(hostdev).path
        return _node(path, path.removeprefix("/dev/"), block_only=False)
    text = f"Unsupported host device mode {hostdev.mode}"
    raise VirtError(Code.CONFIG_UNSUPPORTED, text)


def _node(source: str, name: str, *, block_only: bool) -> Node:
    """A node like the host's `source`, called /dev/`name`."""
    try:
        found = os.stat(source)
    except OSError as error:
        text = f"Unable to access {source}: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, ints=(error.errno or 0, -1)) from error
    is_block, is_char = stat.S_ISBLK(found.st_mode), stat.S_ISCHR(found.st_mode)
    if not is_block and (block_only or not is_char):
        what = "block" if block_only else "character"
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"Storage source {source} must be a {what} device")
    return {
        "path": os.path.normpath("/" + name).lstrip("/"),
        "kind": "b" if is_block else "c",
        "major": os.major(found.st_rdev),
        "minor": os.minor(found.st_rdev),
        "mode": 0o700 if block_only else stat.S_IMODE(found.st_mode) & _MODE,
    }


def access(device: Any) -> str:
    """What the control group allows with a device: "rwm", or "rm" when it may not be written."""
    return "rm" if getattr(device, "readonly", False) else "rwm"
