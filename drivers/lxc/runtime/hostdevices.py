# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host in a container: disks and hostdevs as nodes in its /dev, and what its control group allows."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any

from conf.domain import Domain
from conf.domain.devices.hostdev import Hostdev
from drivers.common import usb
from drivers.lxc.controller.plan import Node
from drivers.lxc.runtime import loops
from virtd.errors import Code, VirtError

_MODE = 0o777
#: What disks may be: root's.
_PRIVATE = 0o700


def is_net(device: Any) -> bool:
    """Whether it is a network device of the host's that the container gets."""
    return isinstance(device, Hostdev) and device.mode == "capabilities" and device.type == "net"


def find_all(domain: Domain) -> None:
    """Find the host's devices that are named by what they are.

    Raises:
        VirtError: one is not there; CONFIG_UNSUPPORTED, it is of a kind that containers cannot have.
    """
    for hostdev in domain.devices.hostdevs:
        if hostdev.mode == "subsystem":
            _usb_path(hostdev)


def _usb_path(hostdev: Hostdev) -> str:
    if hostdev.type != "usb":
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"Unsupported hostdev type {hostdev.type}")
    return usb.resolve(hostdev).path


def nodes(domain: Domain, images: Sequence[str] = ()) -> list[Node]:
    """The nodes of all disks and hostdevs; `images` are what `attach_image` noted.

    Raises:
        VirtError: a device is not there, or is none that a container can have.
    """
    devices = [*domain.devices.disks, *domain.devices.hostdevs]
    return [found for found in (node(device, images) for device in devices) if found is not None]


def node(device: Any, images: Sequence[str] = ()) -> Node | None:
    """The node of a disk or hostdev; None: it needs none."""
    if isinstance(device, Hostdev):
        return _hostdev_node(device)
    return _node(_disk_source(device, images), device.target.dev, mode=_PRIVATE)


def attach_image(disk: Any) -> tuple[int, str]:
    """A loop device for a disk that is a file: its descriptor, the caller's, and a note of which disk's it is.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, the image is not raw; SYSTEM_ERROR.
    """
    name, kind = (disk.driver.name, disk.driver.type) if disk.driver is not None else (None, None)
    if name not in (None, "loop"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"disk driver {name} is not supported")
    if kind not in (None, "raw"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"disk format {kind} is not supported")
    fd, path = loops.attach(str(disk.source.file), readonly=disk.readonly)
    return fd, f"{disk.target.dev}={path}"


def _disk_source(disk: Any, images: Sequence[str]) -> str:
    attached = dict(note.split("=", 1) for note in images)
    if disk.type == "file" and disk.target.dev in attached:
        return attached[disk.target.dev]
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
        name = path.removeprefix("/dev/")
        return _node(path, name, block_only=True, mode=_PRIVATE) if hostdev.type == "storage" else _node(path, name)
    path = _usb_path(hostdev)
    return _node(path, path.removeprefix("/dev/"))


def _node(source: str, name: str, *, block_only: bool = False, mode: int | None = None) -> Node:
    """A node like the host's `source`, called /dev/`name`, with its `mode` unless another is given."""
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
        "mode": stat.S_IMODE(found.st_mode) & _MODE if mode is None else mode,
    }


def access(device: Any) -> str:
    """What the control group allows with a device: "rwm", or "rm" when it may not be written."""
    return "rm" if getattr(device, "readonly", False) else "rwm"
