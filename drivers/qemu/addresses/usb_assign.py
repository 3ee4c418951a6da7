# SPDX-License-Identifier: LGPL-2.1-or-later
"""Give every USB device of a definition a port, and add hubs where ports run out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from conf.domain import Domain
from conf.domain.devices.address import USBAddress
from conf.domain.devices.chardev import Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hub import Hub
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.sound import Sound
from drivers.qemu.addresses.usb_ports import HUB_PORTS, UsbAddressSet, parse_port, port_text

#: Ports of a controller model; ICH9's companions share those of their EHCI controller.
_PORTS = {
    "piix3-uhci": 2,
    "piix4-uhci": 2,
    "vt82c686b-uhci": 2,
    "ehci": 6,
    "ich9-ehci1": 6,
    "pci-ohci": 3,
    "nec-xhci": 4,
    "qemu-xhci": 4,
    "qusb1": 8,
    "qusb2": 8,
}
_COMPANIONS = ("ich9-uhci1", "ich9-uhci2", "ich9-uhci3")


def assign_usb(domain: Domain) -> None:
    """Addresses for all USB devices that lack one.

    Raises:
        VirtError: a port in the XML does not exist or is used twice, or no port is left.
    """
    controllers = _controllers(domain)
    hubs, devices = domain.devices.hubs, usb_devices(domain)
    if not controllers or (len(controllers) == 1 and not hubs and not devices):
        # nothing to plug in, and no second controller that might have the index of the first
        return
    addresses = _build(controllers, hubs, devices)
    hubs.extend(_missing_hubs(controllers, len(hubs), len(devices)))
    for device in chain[DeviceInfo](hubs, devices):
        if lacks_port(device):
            plug(addresses, device)


def build_usb(domain: Domain) -> UsbAddressSet:
    """The ports of the guest with what is plugged in already.

    Raises:
        VirtError: XML_ERROR, a port does not exist or is used twice.
    """
    return _build(_controllers(domain), domain.devices.hubs, usb_devices(domain))


def _build(controllers: list[Controller], hubs: list[Hub], devices: list[DeviceInfo]) -> UsbAddressSet:
    addresses = UsbAddressSet()
    for controller in controllers:
        addresses.add_bus(controller.index or 0, controller_ports(controller))
    # a hub may hang on a hub that stands further below
    upper_first = sorted(hubs, key=_depth)
    for device in chain[DeviceInfo](upper_first, devices):
        _reserve(addresses, device)
    return addresses


def _controllers(domain: Domain) -> list[Controller]:
    return [
        controller
        for controller in domain.devices.controllers
        if controller.type == "usb" and controller.model != "none" and controller.model not in _COMPANIONS
    ]


def controller_ports(controller: Controller) -> int:
    """How many ports a USB controller has."""
    if controller.ports is not None and controller.model in ("nec-xhci", "qemu-xhci"):
        return controller.ports
    return _PORTS.get(controller.model or "piix3-uhci", 0)


def _interface(interface: Interface) -> bool:
    return bool(interface.source and interface.source.hostdev and interface.source.hostdev.type == "usb")


def _hostdev(hostdev: Hostdev) -> bool:
    return hostdev.mode == "subsystem" and hostdev.type == "usb"


def _serial(serial: Serial) -> bool:
    return serial.target is not None and serial.target.type == "usb-serial"


#: Which devices of a kind take a USB port; other kinds never do.
_RULES: dict[type, Callable[[Any], bool]] = {
    Interface: _interface,
    Hostdev: _hostdev,
    Disk: lambda disk: disk.target.bus == "usb",
    Controller: lambda controller: controller.type == "ccid",
    Input: lambda device: device.bus == "usb",
    Serial: _serial,
    Sound: lambda sound: sound.model == "usb",
    Redirdev: lambda redirdev: redirdev.bus == "usb",
    Hub: lambda _hub: True,
}


def is_usb(device: DeviceInfo) -> bool:
    """Whether a device takes a USB port."""
    rule = _RULES.get(type(device))
    return rule is not None and rule(device)


def usb_devices(domain: Domain) -> list[DeviceInfo]:
    """All devices on the USB but hubs, in the order in which they get their ports."""
    devices = domain.devices
    return [
        *filter(_RULES[Interface], devices.interfaces),
        *filter(_RULES[Hostdev], devices.hostdevs),
        *filter(_RULES[Disk], devices.disks),
        *filter(_RULES[Controller], devices.controllers),
        *filter(_RULES[Input], devices.inputs),
        *filter(_RULES[Serial], devices.serials),
        *filter(_RULES[Sound], devices.sounds),
        *filter(_RULES[Redirdev], devices.redirdevs),
    ]


def lacks_port(device: DeviceInfo) -> bool:
    """No address, or one that names a bus only."""
    address = device.address
    return address is None or (isinstance(address, USBAddress) and address.port is None)


def _depth(hub: Hub) -> int:
    address = hub.address
    return len(parse_port(address.port)) if isinstance(address, USBAddress) and address.port else 0


def _reserve(addresses: UsbAddressSet, device: DeviceInfo) -> None:
    """Take the port a device has, if it is a USB port."""
    address = device.address
    if isinstance(address, USBAddress) and address.port is not None:
        port = parse_port(address.port)
        addresses.reserve(address.bus, port)
        if isinstance(device, Hub):
            addresses.add_hub(address.bus, port)


def plug(addresses: UsbAddressSet, device: DeviceInfo) -> None:
    """Take the next port for a device; one whose address names a bus stays on it."""
    wanted = device.address.bus if isinstance(device.address, USBAddress) else None
    bus, port = addresses.reserve_next(wanted)
    if isinstance(device, Hub):
        addresses.add_hub(bus, port)
    device.address = USBAddress(bus=bus, port=port_text(port))


def _missing_hubs(controllers: list[Controller], hubs: int, devices: int) -> list[Hub]:
    """A hub takes a port and gives eight."""
    missing = hubs + devices - sum(map(controller_ports, controllers)) - HUB_PORTS * hubs
    if missing <= 0:
        return []
    # one more than is needed: a port for the next device that comes along
    count = -(-(missing + 1) // (HUB_PORTS - 1))
    return [Hub(type="usb") for _ in range(count)]
