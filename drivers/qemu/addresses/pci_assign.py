# SPDX-License-Identifier: LGPL-2.1-or-later
"""Give every PCI device of a definition an address, and the guest the PCI controllers that takes."""

from __future__ import annotations

from itertools import chain

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from drivers.qemu import machines
from drivers.qemu.addresses.pci import PciAddressSet
from drivers.qemu.addresses.pci_buses import KINDS, LAST_BUS, Bus, Connect
from drivers.qemu.addresses.pci_controllers import complete_controllers
from drivers.qemu.addresses.pci_fixed import (
    PIIX3_IDE,
    PIIX3_USB,
    Chipset,
    chipset_of,
    is_piix3_ide,
    is_piix3_usb,
    place_chipset_devices,
)
from drivers.qemu.addresses.pci_guest import PciDevice, PciGuest
from drivers.qemu.addresses.pci_placement import PciPlacement, address_of
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import Code, VirtError

#: The functions of ICH9's USB 2 controller and its USB 1.1 companions within their common slot.
_ICH9_USB_FUNCTIONS = {"ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2, "ich9-ehci1": 7}


def assign_pci(domain: Domain, emulator: EmulatorFacts) -> None:
    """Addresses for all PCI devices that lack one; controllers are added until there is room.

    Raises:
        VirtError: an address in the XML cannot be, or there is no room.
    """
    if not machines.supports_pci(domain, emulator):
        return
    guest = PciGuest(domain, emulator)
    chipset = chipset_of(guest)
    indexes = {c.index for c in domain.devices.controllers if c.type == "pci" and c.index is not None}
    placement = _trial(guest, chipset, max(indexes, default=-1))
    _add_controllers(placement, indexes)
    if placement.conclusive:
        placement.settle()
    else:
        placement = build_placement(guest)
        place_chipset_devices(placement, chipset)
        _place_all(placement)
    _mark_multifunction(placement)
    complete_controllers(domain, emulator)


def _trial(guest: PciGuest, chipset: Chipset | None, highest: int) -> PciPlacement:
    """Place everything for a test, with as many buses as it takes; `highest` is the last that the guest has."""
    placement = build_placement(guest, growing=True)
    addresses = placement.addresses
    if not addresses.buses:
        return placement
    place_chipset_devices(placement, chipset)
    # A bridge can only be added while a slot for it is left.
    bridgeable = guest.root == "pci-root" and not all(bus.full for bus in addresses.buses)
    _place_all(placement)
    if highest <= 0 and len(addresses.buses) > 1 and guest.root == "pcie-root":
        # Someone who leaves everything to us gets one free port, to plug something in later.
        addresses.reserve_next(Connect.PCIE_DEVICE | Connect.AUTOASSIGN | Connect.HOTPLUGGABLE)
    if bridgeable:
        addresses.reserve_next(Connect.PCI_DEVICE | Connect.AUTOASSIGN)
    return placement


def _add_controllers(trial: PciPlacement, indexes: set[int]) -> None:
    """Add the PCI controllers without which not every device would have its place.

    They are placed before all devices but PCI controllers, which in the trial came first.  That makes no difference
    as long as none of them goes where the trial had to search a place for something else; else the trial is void.
    """
    guest, buses = trial.guest, trial.addresses.buses
    occupied = trial.addresses.searched_offers
    index = 1
    while index < len(buses):
        if index not in indexes:
            new = Controller(type="pci", index=index, model=buses[index].model)
            guest.domain.devices.controllers.append(new)
            bridge = guest.describe(new)
            if bridge.flags:
                guest.bridges.append(bridge)
            # It takes a slot itself, which may call for one more; that of a pcie-to-pci-bridge came with it.
            if bridge.flags and not bridge.flags & Connect.PCIE_TO_PCI_BRIDGE:
                trial.place_next(bridge)
                trial.conclusive &= not bridge.flags & occupied & KINDS
            else:
                trial.conclusive = False
        index += 1


def build_placement(guest: PciGuest, *, growing: bool = False) -> PciPlacement:
    """The guest's buses with everything that has an address already.

    Raises:
        VirtError: XML_ERROR, addresses that cannot be or are used twice.
    """
    addresses = PciAddressSet(
        _buses(guest),
        growing=growing,
        multiple_roots=guest.is_pseries,
        pcie_to_pci=guest.has_pcie_to_pci,
    )
    if addresses.buses and not addresses.buses[0].offers & Connect.PCI_DEVICE:
        _refuse_piix3(guest)
    placement = PciPlacement(guest, addresses)
    for given in guest.given:
        placement.reserve_given(given)
    return placement


def _refuse_piix3(guest: PciGuest) -> None:
    """Parts of a conventional chipset, at their place but on an Express bus."""
    for device, _flags, _group in guest.given:
        if not isinstance(device, Controller) or not (is_piix3_ide(device) or is_piix3_usb(device)):
            continue
        if address_of(device) in (PIIX3_IDE, PIIX3_USB):
            raise VirtError(Code.INTERNAL_ERROR, "Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers")


def _buses(guest: PciGuest) -> list[Bus]:
    """A bus for each PCI controller; where an index is missing, what will be put there."""
    found: dict[int, Bus] = {}
    for controller in guest.domain.devices.controllers:
        if controller.type != "pci" or controller.index is None:
            continue
        if controller.model is None:
            raise VirtError(Code.INTERNAL_ERROR, "PCI controller model was not set correctly")
        if controller.index > LAST_BUS:
            raise VirtError(
                Code.CONFIG_UNSUPPORTED,
                f"PCI controller index {controller.index} too high, maximum is {LAST_BUS}",
            )
        hotplug = not (controller.target and controller.target.hotplug is False)
        found[controller.index] = Bus.of_model(controller.model, hotplug=hotplug)
    if not found:
        return []
    gap = "pcie-root-port" if guest.root == "pcie-root" else "pci-bridge"
    if guest.is_pseries:
        gap = "pci-root"
    return [found.get(index) or Bus.of_model(gap) for index in range(max(found) + 1)]


def _place_all(placement: PciPlacement) -> None:
    for wanting in chain(placement.guest.bridges, placement.guest.others):
        device = wanting.device
        if id(device) in placement.placed:
            continue
        if isinstance(device, Controller) and device.model in _ICH9_USB_FUNCTIONS:
            _place_ich9_usb(placement, wanting, device)
        else:
            placement.place_next(wanting)


def _place_ich9_usb(placement: PciPlacement, wanting: PciDevice, controller: Controller) -> None:
    """All parts of one ICH9 USB controller (of one index) share a slot."""
    function = _ICH9_USB_FUNCTIONS[controller.model or ""]
    for other in placement.guest.domain.devices.controllers:
        if other.type == "usb" and other.index == controller.index and other.model in _ICH9_USB_FUNCTIONS:
            address = placement.place_of(other)
            if address is not None:
                placement.place(wanting, address._replace(function=function))
                return
    placement.conclusive = False
    placement.place_next(wanting, function)


def _mark_multifunction(placement: PciPlacement) -> None:
    """Function 0 of a slot must say so where there are further functions."""
    given = [given.device for given in placement.guest.given]
    for device in given + [device for device, _address in placement.chosen]:
        address = device.address
        if not isinstance(address, PCIAddress) or address.function or address.multifunction is not None:
            continue
        if placement.addresses.functions(address.bus, address.slot) > 1:
            address.multifunction = True
