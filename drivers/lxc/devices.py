# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that a container's definition gets, loses or has changed: disks, interfaces and devices of the host."""

from __future__ import annotations

from typing import Any

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.interface import Interface
from conf.domain.devices.single import device_tag
from drivers.common.devicelists import find_interface, put, take
from virtd.errors import Code, VirtError, invalid_arg

_CHANGEABLE = (Disk, Interface, Hostdev)
_CHARACTER_DEVICES = ("serial", "parallel", "console", "channel")


def attach_stored(domain: Domain, device: Any) -> None:
    """Add a device to a stored definition.

    Raises:
        VirtError: INVALID_ARG, it is there already; CONFIG_UNSUPPORTED, its kind cannot be added.
    """
    _check_kind(device, "persistent attach of device is not supported")
    if isinstance(device, Disk) and _disk(domain, device) is not None:
        raise invalid_arg(f"target {device.target.dev} already exists.")
    if isinstance(device, Hostdev) and _hostdev(domain, device) is not None:
        raise invalid_arg("device is already in the domain configuration")
    put(domain.devices, device)


def detach_stored(domain: Domain, device: Any) -> None:
    """Remove the device that is described from a stored definition.

    Raises:
        VirtError: there is none; CONFIG_UNSUPPORTED, its kind cannot be removed.
    """
    _check_kind(device, "persistent detach of device is not supported")
    if isinstance(device, Interface):
        take(domain.devices, find_interface(domain.devices.interfaces, device))
        return
    found = _disk(domain, device) if isinstance(device, Disk) else _hostdev(domain, device)
    if found is None:
        missing = f"no target device {device.target.dev}" if isinstance(device, Disk) else ""
        raise invalid_arg(missing or "device not present in domain configuration")
    take(domain.devices, found)


def update_stored(domain: Domain, device: Any) -> None:
    """Put an interface in place of the one with its address.

    Raises:
        VirtError: there is none; CONFIG_UNSUPPORTED, it is another kind of device.
    """
    if not isinstance(device, Interface):
        raise _unsupported("persistent update of device is not supported")
    interfaces = domain.devices.interfaces
    old = find_interface(interfaces, device)
    interfaces[next(place for place, interface in enumerate(interfaces) if interface is old)] = device


def check_live(live: Domain, device: Any) -> None:
    """Refuse what a running container cannot be given.

    Raises:
        VirtError: OPERATION_FAILED, it is there already; CONFIG_UNSUPPORTED, no container has such a thing.
    """
    _check_kind(device, f"device type '{_name(device)}' cannot be attached")
    if isinstance(device, Disk):
        if device.type != "block" or device.source is None or not device.source.local_path:
            raise _unsupported("Can't setup disk for non-block device")
        if _disk(live, device) is not None:
            raise _failed(f"target {device.target.dev} already exists")
    if isinstance(device, Hostdev):
        _check_hostdev(device)
        if _hostdev(live, device) is not None:
            raise _failed("host device already exists")


def find_live(live: Domain, device: Any) -> Any:
    """The device of a running container that is described.

    Raises:
        VirtError: there is none; CONFIG_UNSUPPORTED, its kind cannot be taken away.
    """
    _check_kind(device, f"device type '{_name(device)}' cannot be detached")
    if isinstance(device, Interface):
        return find_interface(live.devices.interfaces, device)
    if isinstance(device, Disk):
        found: Disk | Hostdev | None = _disk(live, device)
        missing = f"disk {device.target.dev} not found"
    else:
        _check_hostdev(device)
        found = _hostdev(live, device)
        source = device.source.block or device.source.char
        missing = f"hostdev {source} not found" if source else "usb device not found"
    if found is None:
        raise _failed(missing)
    return found


def _check_hostdev(device: Hostdev) -> None:
    """Nodes in /dev come and go; other devices of the host are given at a start only."""
    if device.type not in ("usb", "storage", "misc"):
        raise _unsupported(f"Unsupported host device type {device.type}")


def _check_kind(device: Any, complaint: str) -> None:
    if not isinstance(device, _CHANGEABLE):
        raise _unsupported(complaint)


def _name(device: Any) -> str:
    """libvirt's word for a kind of device."""
    tag = device_tag(device)
    return "chr" if tag in _CHARACTER_DEVICES else tag


def _disk(domain: Domain, wanted: Disk) -> Disk | None:
    return next((disk for disk in domain.devices.disks if disk.target.dev == wanted.target.dev), None)


def _hostdev(domain: Domain, wanted: Hostdev) -> Hostdev | None:
    kind = wanted.mode, wanted.type
    same = (h for h in domain.devices.hostdevs if (h.mode, h.type) == kind and h.source == wanted.source)
    return next(same, None)


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.CONFIG_UNSUPPORTED, text)


def _failed(text: str) -> VirtError:
    return VirtError(Code.OPERATION_FAILED, text)
