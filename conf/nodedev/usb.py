# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB devices and their interfaces."""

from __future__ import annotations

from typing import Literal

from conf.binding import ParseOptions, Uint, attr, child_text
from conf.nodedev.values import Capability, HexId, counted, identified, require_ids


class USBDeviceCapability(Capability):
    """`<capability type='usb_device'>`."""

    type: Literal["usb_device"] = attr(default="usb_device")
    bus: Uint = counted("bus", "USB bus number")
    device: Uint = counted("device", "USB device number")
    product: str | None = child_text()
    product_id: HexId = identified("product", "USB product")
    vendor: str | None = child_text()
    vendor_id: HexId = identified("vendor", "USB vendor")

    def check(self, options: ParseOptions) -> None:
        require_ids("USB", self.vendor_id, self.product_id)


class USBInterfaceCapability(Capability):
    """`<capability type='usb'>`: an interface of a USB device; its class is `class_`."""

    type: Literal["usb"] = attr(default="usb")
    number: Uint = counted("number", "USB interface number")
    class_: Uint = counted("class", "USB interface class")
    subclass: Uint = counted("subclass", "USB interface subclass")
    protocol: Uint = counted("protocol", "USB interface protocol")
    description: str | None = child_text()
