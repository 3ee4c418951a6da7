# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI addresses meet devices: what each needs, where it is, and putting it somewhere."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.info import DeviceInfo
from drivers.qemu.addresses.pci import PciAddress, PciAddressSet
from drivers.qemu.addresses.pci_buses import ENDPOINTS
from drivers.qemu.addresses.pci_connect import Connections


def wants_pci(device: DeviceInfo) -> bool:
    """No address yet, or `<address type='pci'/>` which leaves it to us."""
    address = device.address
    return address is None or (isinstance(address, PCIAddress) and address.is_empty)


class PciPlacement:
    """A guest's devices on its PCI buses.

    A trial (`addresses.growing`) finds out how many buses are needed and leaves the devices alone.
    """

    def __init__(
        self, domain: Domain, devices: list[DeviceInfo], addresses: PciAddressSet, connections: Connections
    ) -> None:
        """`devices`: all that may be PCI devices, in the order in which they get their addresses."""
        self.domain = domain
        self.devices = devices
        self.addresses = addresses
        self.connections = connections
        #: Where devices (by `id`) were put that we chose a place for, which in a trial does not show on them.  As in
        #: libvirt a trial forgets the others, so that the parts of a USB 2 controller count as several devices.
        self.placed: dict[int, PciAddress] = {}

    @staticmethod
    def address_of(device: DeviceInfo) -> PciAddress | None:
        """Where the device is, if it has a PCI address."""
        address = device.address
        if not isinstance(address, PCIAddress) or address.is_empty:
            return None
        return PciAddress(address.bus, address.slot, address.function, address.domain)

    def place_of(self, device: DeviceInfo) -> PciAddress | None:
        """Where the device is or, in a trial, would be."""
        return self.placed.get(id(device)) or self.address_of(device)

    def reserve_given(self, device: DeviceInfo) -> None:
        """Take the address that stands in the XML.

        Raises:
            VirtError: see `PciAddressSet.reserve`.
        """
        address = self.address_of(device)
        if address is None:
            return
        became = self._reserve(device, address)
        if isinstance(device.address, PCIAddress):
            device.address.bus = became.bus

    def place(self, device: DeviceInfo, address: PciAddress) -> None:
        """Put a device at an address of our choice, where any endpoint may be.

        Raises:
            VirtError: see `PciAddressSet.reserve`.
        """
        self._reserve(device, address)
        self.placed[id(device)] = address
        self._write(device, address)

    def place_next(self, device: DeviceInfo, function: int = 0, *, extra: int = 0) -> None:
        """Put a device at the first address that suits; `extra` are further flags that it needs.

        Raises:
            VirtError: see `PciAddressSet.reserve_next`.
        """
        address = self.addresses.reserve_next(
            self.connections.flags(device) | extra,
            function=function,
            isolation_group=self.connections.isolation_group(device),
        )
        self._write(device, address)

    def _reserve(self, device: DeviceInfo, address: PciAddress) -> PciAddress:
        return self.addresses.reserve(
            address,
            self.connections.flags(device) or ENDPOINTS,
            from_config=True,
            isolation_group=self.connections.isolation_group(device),
        )

    def _write(self, device: DeviceInfo, address: PciAddress) -> None:
        if self.addresses.growing:
            return
        given = device.address
        zpci = given.zpci if isinstance(given, PCIAddress) else None
        # the companions that may come share its slot
        multifunction = True if isinstance(device, Controller) and device.model == "ich9-uhci1" else None
        device.address = PCIAddress(
            bus=address.bus, slot=address.slot, function=address.function, multifunction=multifunction, zpci=zpci
        )
