# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI addresses meet devices: where each is, and putting it somewhere."""

from __future__ import annotations

from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.info import DeviceInfo
from drivers.qemu.addresses.pci import PciAddress, PciAddressSet
from drivers.qemu.addresses.pci_buses import ENDPOINTS
from drivers.qemu.addresses.pci_guest import PciDevice, PciGuest


def address_of(device: DeviceInfo) -> PciAddress | None:
    """Where the device is, if it has a PCI address."""
    address = device.address
    if not isinstance(address, PCIAddress) or address.is_empty:
        return None
    return PciAddress(address.bus, address.slot, address.function, address.domain)


class PciPlacement:
    """A guest's devices on its PCI buses.

    A trial (`addresses.growing`) finds out how many buses are needed and leaves the devices alone until it is settled.

    Attributes:
        conclusive: whether a trial may be settled: placing all devices again would find the same places.
    """

    def __init__(self, guest: PciGuest, addresses: PciAddressSet) -> None:
        self.guest = guest
        self.addresses = addresses
        #: The devices (by `id`) that we chose a place for, which in a trial does not show on them.  As in libvirt a
        #: trial forgets most, so that the parts of a USB 2 controller count as several devices.
        self.placed: dict[int, tuple[DeviceInfo, PciAddress]] = {}
        #: What a trial forgets.
        self._forgotten: list[tuple[DeviceInfo, PciAddress]] = []
        # buses that grow out of nothing have no bus 0 among the controllers
        self.conclusive = guest.root is not None

    @property
    def chosen(self) -> list[tuple[DeviceInfo, PciAddress]]:
        """All devices that we chose a place for."""
        return [*self.placed.values(), *self._forgotten]

    def settle(self) -> None:
        """Give the devices the places that the trial found."""
        for device, address in self.chosen:
            _write(device, address)

    def place_of(self, device: DeviceInfo) -> PciAddress | None:
        """Where the device is or, in a trial, would be."""
        placed = self.placed.get(id(device))
        return placed[1] if placed else address_of(device)

    def reserve_given(self, given: PciDevice) -> None:
        """Take the address that stands in the XML.

        Raises:
            VirtError: see `PciAddressSet.reserve`.
        """
        address = address_of(given.device)
        if address is None:
            return
        became = self._reserve(given, address)
        if isinstance(given.device.address, PCIAddress):
            given.device.address.bus = became.bus

    def place(self, wanting: PciDevice, address: PciAddress) -> None:
        """Put a device at an address of our choice, where any endpoint may be.

        Raises:
            VirtError: see `PciAddressSet.reserve`.
        """
        self._reserve(wanting, address)
        self.placed[id(wanting.device)] = wanting.device, address
        if not self.addresses.growing:
            _write(wanting.device, address)

    def place_next(self, wanting: PciDevice, function: int = 0, *, extra: int = 0) -> None:
        """Put a device at the first address that suits; `extra` are further flags that it needs.

        Raises:
            VirtError: see `PciAddressSet.reserve_next`.
        """
        device, flags, group = wanting
        address = self.addresses.reserve_next(flags | extra, function=function, isolation_group=group)
        if self.addresses.growing:
            self._forgotten.append((device, address))
        else:
            self.placed[id(device)] = device, address
            _write(device, address)

    def _reserve(self, described: PciDevice, address: PciAddress) -> PciAddress:
        _device, flags, group = described
        return self.addresses.reserve(address, flags or ENDPOINTS, from_config=True, isolation_group=group)


def _write(device: DeviceInfo, address: PciAddress) -> None:
    given = device.address
    zpci = given.zpci if isinstance(given, PCIAddress) else None
    # the companions that may come share its slot
    multifunction = True if isinstance(device, Controller) and device.model == "ich9-uhci1" else None
    device.address = PCIAddress(
        bus=address.bus, slot=address.slot, function=address.function, multifunction=multifunction, zpci=zpci
    )
