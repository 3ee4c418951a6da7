# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's USB devices that guests get: found by vendor and product, or by their place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hostdev_source import HostUSBAddress
from virtd.errors import Code, From, VirtError

DEVICES = Path("/sys/bus/usb/devices")


class UsbDevice(NamedTuple):
    """One device of the host."""

    vendor: int
    product: int
    bus: int
    device: int

    @property
    def path(self) -> str:
        """Its node."""
        return f"/dev/bus/usb/{self.bus:03d}/{self.device:03d}"


def devices(folder: Path = DEVICES) -> Iterator[UsbDevice]:
    """All USB devices of the host.

    Raises:
        VirtError: SYSTEM_ERROR, the host has no USB at all.
    """
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        text = f"cannot open directory '{folder}': {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE) from error
    for entry in entries:
        try:
            vendor, product = (int((entry / name).read_text(), 16) for name in ("idVendor", "idProduct"))
            bus, device = (int((entry / name).read_text()) for name in ("busnum", "devnum"))
        except (OSError, ValueError):  # an interface of a device, or one that was just pulled out
            continue
        yield UsbDevice(vendor, product, bus, device)


def resolve(hostdev: Hostdev, folder: Path = DEVICES) -> UsbDevice:
    """The device that is meant; its place is written into the definition.

    Raises:
        VirtError: INTERNAL_ERROR, it is not there; OPERATION_FAILED, several are meant.
    """
    source = hostdev.source
    found = [device for device in devices(folder) if _is_meant(hostdev, device)]
    what = _described(hostdev)
    if not found:
        raise VirtError(Code.INTERNAL_ERROR, f"Did not find USB device {what}", source=From.NONE)
    if len(found) > 1:
        text = f"Multiple USB devices for {what}, use <address> to specify one"
        raise VirtError(Code.OPERATION_FAILED, text)
    source.usb = HostUSBAddress(bus=found[0].bus, device=found[0].device)
    return found[0]


def _is_meant(hostdev: Hostdev, device: UsbDevice) -> bool:
    source = hostdev.source
    if source.vendor is not None and source.product is not None:
        if (source.vendor.id, source.product.id) != (device.vendor, device.product):
            return False
        return source.usb is None or (source.usb.bus, source.usb.device) == (device.bus, device.device)
    return source.usb is not None and (source.usb.bus, source.usb.device) == (device.bus, device.device)


def _described(hostdev: Hostdev) -> str:
    source = hostdev.source
    if source.vendor is not None and source.product is not None:
        return f"{source.vendor.id:04x}:{source.product.id:04x}"
    return f"bus:{source.usb.bus} device:{source.usb.device}" if source.usb is not None else ""
