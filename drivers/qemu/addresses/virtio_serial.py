# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports on virtio-serial controllers for the channels of a definition."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import VirtioSerialAddress
from conf.domain.devices.chardev import Channel, Console
from conf.domain.devices.controller import Controller
from drivers.qemu.addresses.virtio_serial_ports import VirtioSerialPorts
from virtd.errors import Code, VirtError


def assign_virtio_serial(domain: Domain) -> None:
    """Addresses for all channels that lack one; controllers are added where ports run out.

    Raises:
        VirtError: a port in the XML does not exist or is used twice.
    """
    ports = build_virtio_serial(domain)
    for channel in domain.devices.channels:
        if channel.target.type == "virtio" and _lacks_port(channel):
            assign_port(domain, ports, channel)


def build_virtio_serial(domain: Domain) -> VirtioSerialPorts:
    """The guest's ports with what is plugged in already.

    Raises:
        VirtError: XML_ERROR, a port does not exist or is used twice.
    """
    ports = VirtioSerialPorts()
    for controller in domain.devices.controllers:
        if controller.type == "virtio-serial":
            ports.add_controller(controller.index or 0, controller.ports)
    devices: list[Channel | Console] = [*domain.devices.channels, *domain.devices.consoles]
    for device in devices:
        address = device.address
        if isinstance(address, VirtioSerialAddress) and not _lacks_port(device):
            ports.reserve(address.controller, address.port)
    return ports


def assign_port(domain: Domain, ports: VirtioSerialPorts, device: Channel | Console) -> None:
    """Take the next port for a device; port 0 is for consoles.

    Raises:
        VirtError: the controller its address names is full or missing.
    """
    given = device.address
    wanted = given.controller if isinstance(given, VirtioSerialAddress) else None
    allow_zero = isinstance(device, Console)
    found = ports.reserve_next(wanted, allow_zero=allow_zero)
    if found is None and wanted is not None and ports.has_controller(wanted):
        raise VirtError(Code.XML_ERROR, f"Unable to find a free port on virtio-serial controller {wanted}")
    if found is None:
        index = ports.next_controller if wanted is None else wanted
        ports.add_controller(index, None)
        domain.devices.controllers.append(Controller(type="virtio-serial", index=index))
        found = ports.reserve_next(index, allow_zero=allow_zero)
        assert found is not None
    controller, port = found
    device.address = VirtioSerialAddress(controller=controller, bus=0, port=port)


def _lacks_port(device: Channel | Console) -> bool:
    """No address, or one without a port, which only consoles may have as 0."""
    address = device.address
    if address is None:
        return True
    return isinstance(address, VirtioSerialAddress) and address.port == 0 and isinstance(device, Channel)
