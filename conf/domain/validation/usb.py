# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB devices of a domain that is said to have no USB."""

from __future__ import annotations

from conf.domain.devices.address import USBAddress
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLError


def has_usb(domain: Domain) -> bool:
    """Whether USB was not ruled out by a controller of model `none`."""
    return not any(controller.type == "usb" and controller.model == "none" for controller in domain.devices.controllers)


def check_usb(domain: Domain) -> None:
    """USB devices sit on USB, if there is one."""
    devices = domain.devices
    inputs = [device for device in devices.inputs if device.bus == "usb"]
    for device in (*devices.redirdevs, *inputs):
        if device.address is not None and not isinstance(device.address, USBAddress):
            raise XMLError("Invalid address for a USB device")
    for serial in devices.serials:
        if serial.target and serial.target.type == "usb-serial" and not isinstance(serial.address, USBAddress | None):
            raise ConfigUnsupportedError("usb-serial requires address of usb type")
    if not (inputs or devices.hostdevs or devices.hubs or devices.redirdevs) or has_usb(domain):
        return
    if inputs:
        raise ConfigUnsupportedError("Can't add USB input device. USB bus is disabled")
    if any(hostdev.type in ("usb", "storage") for hostdev in devices.hostdevs):
        raise ConfigUnsupportedError("Can't add host USB device: USB is disabled in this host")
    if devices.hubs:
        raise ConfigUnsupportedError("Can't add USB hub: USB is disabled for this domain")
    if devices.redirdevs:
        raise ConfigUnsupportedError("cannot add redirected USB device: USB is disabled for this domain")
