# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host in a container: disks and hostdevs as nodes in its /dev, and what its control group allows."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conf.domain import Domain
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hostdev_source import HostdevSource
from drivers.lxc.controller.plan import Node
from virtd.errors import Code, VirtError
from virtd.host.node import read_int, read_text

_USB_DEVICES = Path("/sys/bus/usb/devices")
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
        path = "bus/usb/{:03d}/{:03d}".format(*_usb_place(hostdev.source))
        return _node(f"/dev/{path}", path, block_only=False)
    text = f"Unsupported host device mode {hostdev.mode}"
    raise VirtError(Code.CONFIG_UNSUPPORTED, text)


def _usb_place(source: HostdevSource) -> tuple[int, int]:
    """Bus and number of a USB device, which is named by them or by its vendor and product.

    Raises:
        VirtError: INTERNAL_ERROR, there is no such device; OPERATION_FAILED, there are several.
    """
    if source.usb is not None:
        return source.usb.bus, source.usb.device
    assert source.vendor is not None
    assert source.product is not None
    name = f"{source.vendor.id:04x}:{source.product.id:04x}"
    found = [place for ids, place in _usb_devices() if ids == name]
    if not found:
        raise VirtError(Code.INTERNAL_ERROR, f"Did not find USB device {name}")
    if len(found) > 1:
        text = f"multiple USB devices for {name}, use <address> to specify one"
        raise VirtError(Code.OPERATION_FAILED, text)
    return found[0]


def _usb_devices() -> Iterator[tuple[str, tuple[int, int]]]:
    """(vendor:product, place) of all that are plugged in."""
    for folder in _USB_DEVICES.glob("*"):
        vendor, product = read_text(folder / "idVendor"), read_text(folder / "idProduct")
        bus, device = read_int(folder / "busnum"), read_int(folder / "devnum")
        if bus is not None and device is not None:
            yield f"{vendor}:{product}", (bus, device)


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
