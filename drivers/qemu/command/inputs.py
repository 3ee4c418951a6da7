# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keyboards, mice and tablets."""

from __future__ import annotations

from conf.domain.devices.input import Input
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from drivers.qemu.command.virtio import virtio_props


def add_inputs(build: Build, line: CommandLine) -> None:
    """Keyboards, mice and tablets; those on PS/2 belong to the board."""
    for device in build.domain.devices.inputs:
        if device.type == "evdev":
            line.add_json("-object", evdev_props(device))
        elif device.bus in ("usb", "virtio"):
            add_device(line, device, input_props(build, device))


_USB_INPUTS = {"mouse": "usb-mouse", "tablet": "usb-tablet", "keyboard": "usb-kbd"}


def input_props(build: Build, device: Input) -> Props:
    """-device of an input device."""
    if device.bus == "usb":
        own: Props = {"driver": _USB_INPUTS[device.type]}
    else:
        kind = "virtio-input-host" if device.type == "passthrough" else f"virtio-{device.type}"
        own = virtio_props(build, kind, device, device.driver, device.model)
    evdev = device.source.evdev if device.source and device.type == "passthrough" else None
    return props({**own, "id": device.alias, "evdev": evdev, **address_props(build, device)})


def evdev_props(device: Input) -> Props:
    """An event device of the host that types for the guest."""
    source = device.source
    return props(
        {
            "qom-type": "input-linux",
            "id": device.alias,
            "evdev": source.dev if source else None,
            "repeat": source.repeat if source else None,
            "grab_all": True if source and source.grab == "all" else None,
            "grab-toggle": source.grab_toggle if source else None,
        }
    )
