# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of a definition: added, removed, found again."""

from __future__ import annotations

from typing import Any

from conf.binding import Model
from conf.domain.devices.all import Devices
from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from conf.domain.devices.order import ordered_disks
from conf.domain.devices.single import device_list
from virtd.errors import Code, From, VirtError


def missing(text: str, source: From | None = None) -> VirtError:
    """There is no such device."""
    return VirtError(Code.DEVICE_MISSING, text, source=source)


def members(devices: Devices, device: Model) -> list[Any]:
    """The list of `devices` where one of this kind belongs; of kinds there is one of, a copy."""
    value = getattr(devices, device_list(devices, device))
    return value if isinstance(value, list) else [value] if value is not None else []


def put(devices: Devices, device: Model) -> None:
    """Add a device to the definition; a disk to those of its bus, by its name."""
    name = device_list(devices, device)
    value = getattr(devices, name)
    setattr(devices, name, [*value, device] if isinstance(value, list) else device)
    if isinstance(device, Disk):
        devices.disks = ordered_disks(devices.disks)


def take(devices: Devices, device: Model) -> None:
    """Remove a device, this very one."""
    name = device_list(devices, device)
    value = getattr(devices, name)
    setattr(devices, name, [d for d in value if d is not device] if isinstance(value, list) else None)


def find_interface(interfaces: list[Interface], wanted: Interface) -> Interface:
    """The interface that a client means: by its address, as far as it says one.

    Raises:
        VirtError: DEVICE_MISSING; OPERATION_FAILED where several fit.
    """
    mac = wanted.mac.address if wanted.mac is not None else None
    found = [
        i
        for i in interfaces
        if (mac is None or (i.mac is not None and i.mac.address == mac))
        and (wanted.address is None or i.address == wanted.address)
        and (wanted.alias is None or i.alias == wanted.alias)
    ]
    if len(found) > 1:
        text = f"multiple devices matching MAC address {mac} found" if mac else "multiple matching devices found"
        raise VirtError(Code.OPERATION_FAILED, text, source=From.DOMAIN)
    if not found:
        text = (
            f"no device found at address '{_null(wanted.address)}' matching MAC address '{_null(mac)}' "
            f"and alias '{_null(wanted.alias)}'"
        )
        raise missing(text, From.DOMAIN)
    return found[0]


def _null(value: object) -> object:
    return "(<null>)" if value is None else value
