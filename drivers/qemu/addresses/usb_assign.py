# SPDX-License-Identifier: LGPL-2.1-or-later
"""Give every USB device of a definition a port, and add hubs where ports run out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    if not any(_controllers(domain)):
        return
    addresses = build_usb(domain)
    _add_missing_hubs(domain)
    for hub in domain.devices.hubs:
        if lacks_port(hub):
            plug(addresses, hub)
    for device in usb_devices(domain):
        if lacks_port(device):
            plug(addresses, device)


def build_usb(domain: Domain) -> UsbAddressSet:
    """The ports of the guest with what is plugged in already.

    Raises:
        VirtError: XML_ERROR, a port does not exist or is used twice.
    """
    addresses = UsbAddressSet()
    for controller in _controllers(domain):
        addresses.add_bus(controller.index or 0, controller_ports(controller))
    # a hub may hang on a hub that stands further below
    hubs = sorted(domain.devices.hubs, key=lambda hub: len(_port(hub)))
    for hub in hubs:
        if not lacks_port(hub):
            _reserve(addresses, hub)
    for device in usb_devices(domain):
        if not lacks_port(device):
            _reserve(addresses, device)
    return addresses


def _controllers(domain: Domain) -> Iterator[Controller]:
    for controller in domain.devices.controllers:
        if controller.type == "usb" and controller.model != "none" and controller.model not in _COMPANIONS:
            yield controller


def controller_ports(controller: Controller) -> int:
    """How many ports a USB controller has."""
    if controller.ports is not None and controller.model in ("nec-xhci", "qemu-xhci"):
        return controller.ports
    return _PORTS.get(controller.model or "piix3-uhci", 0)


def usb_devices(domain: Domain) -> Iterator[DeviceInfo]:
    """All devices on the USB but hubs, in the order in which they get their ports."""
    devices = domain.devices
    kinds: tuple[Iterable[DeviceInfo], ...] = (
        devices.interfaces,
        devices.hostdevs,
        devices.disks,
        devices.controllers,
        devices.inputs,
        devices.serials,
        devices.sounds,
        devices.redirdevs,
    )
    return (device for kind in kinds for device in kind if is_usb(device))


def is_usb(device: DeviceInfo) -> bool:
    """Whether a device takes a USB port."""
    match device:
        case Disk():
            return device.target.bus == "usb"
        case Interface():
            return bool(device.source and device.source.hostdev and device.source.hostdev.type == "usb")
        case Hostdev():
            return device.mode == "subsystem" and device.type == "usb"
        case Controller():
            return device.type == "ccid"
        case Input() | Redirdev():
            return device.bus == "usb"
        case Serial():
            return device.target is not None and device.target.type == "usb-serial"
        case Sound():
            return device.model == "usb"
    return isinstance(device, Hub)


def lacks_port(device: DeviceInfo) -> bool:
    """No address, or one that names a bus only."""
    address = device.address
    return address is None or (isinstance(address, USBAddress) and address.port is None)


def _port(device: DeviceInfo) -> tuple[int, ...]:
    address = device.address
    return parse_port(address.port) if isinstance(address, USBAddress) and address.port else ()


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


def _add_missing_hubs(domain: Domain) -> None:
    """A hub takes a port and gives eight."""
    hubs = domain.devices.hubs
    wanted = len(hubs) + sum(1 for _ in usb_devices(domain))
    missing = wanted - sum(map(controller_ports, _controllers(domain))) - HUB_PORTS * len(hubs)
    if missing > 0:
        # one more than is needed: a port for the next device that comes along
        count = -(-(missing + 1) // (HUB_PORTS - 1))
        hubs.extend(Hub(type="usb") for _ in range(count))
