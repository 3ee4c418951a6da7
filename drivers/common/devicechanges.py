# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of a definition that come, go and change; a running guest is another matter."""

from __future__ import annotations

from typing import Any

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.interface import Interface
from conf.domain.devices.single import device_tag
from drivers.common.devicelists import members, put, take
from drivers.common.devicematching import find
from virtd.errors import Code, VirtError, invalid_arg, operation_invalid

#: Elements that a definition gets only as a whole.
_FIXED = frozenset({"video", "graphics", "hub", "smartcard", "memballoon", "nvram", "audio", "parallel"})
#: Kinds of which there is one at most, with libvirt's word.
_SINGLE = {"watchdog": "watchdog", "vsock": "vsock", "iommu": "IOMMU", "tpm": "TPM"}


def attach(domain: Domain, device: Any) -> None:
    """Add a device.

    Raises:
        VirtError: it is there already, or its kind cannot be added.
    """
    tag = device_tag(device)
    if tag in _FIXED:
        raise VirtError(Code.OPERATION_UNSUPPORTED, f"persistent attach of device '{tag}' is not supported")
    if isinstance(device, Disk):
        for disk in domain.devices.disks:
            if disk.target.dev == device.target.dev:
                raise operation_invalid(f"target {device.target.dev} already exists")
    if tag in _SINGLE and members(domain.devices, device):
        raise operation_invalid(f"domain already has a {_SINGLE[tag]} device")
    put(domain.devices, device)


def detach(domain: Domain, device: Any) -> None:
    """Remove the device that is described.

    Raises:
        VirtError: there is none.
    """
    take(domain.devices, find(domain, device, live=False))


def update(domain: Domain, device: Any) -> None:
    """Put a device in place of the one it describes, which leaves it its name and address.

    Raises:
        VirtError: there is none, or its kind cannot be changed.
    """
    if not isinstance(device, Disk | Interface | Graphics):
        tag = device_tag(device)
        raise VirtError(Code.OPERATION_UNSUPPORTED, f"persistent update of device '{tag}' is not supported")
    old = _old(domain, device)
    if hasattr(device, "address") and device.address is None:
        device.address = old.address
    if hasattr(device, "alias") and device.alias is None:
        device.alias = old.alias
    same = members(domain.devices, old)
    same[next(i for i, d in enumerate(same) if d is old)] = device


def _old(domain: Domain, device: Disk | Interface | Graphics) -> Any:
    if isinstance(device, Graphics):
        found = next((g for g in domain.devices.graphics if g.type == device.type), None)
        if found is None:
            raise invalid_arg(f"cannot find existing graphics type '{device.type}' device to modify")
        return found
    if isinstance(device, Disk):
        found_disk = next((d for d in domain.devices.disks if d.target.dev == device.target.dev), None)
        if found_disk is None:
            raise invalid_arg(f"target {device.target.dev} doesn't exist.")
        return found_disk
    return find(domain, device, live=False)
