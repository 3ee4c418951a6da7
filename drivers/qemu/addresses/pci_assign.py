# SPDX-License-Identifier: LGPL-2.1-or-later
"""Give every PCI device of a definition an address, and the guest the PCI controllers that takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.interface import Interface
from conf.domain.devices.sound import Sound
from drivers.qemu import machines
from drivers.qemu.addresses.pci import PciAddress, PciAddressSet
from drivers.qemu.addresses.pci_buses import LAST_BUS, Bus, Connect
from drivers.qemu.addresses.pci_connect import Connections
from drivers.qemu.addresses.pci_controllers import complete_controllers
from drivers.qemu.addresses.pci_fixed import PIIX3_IDE, PIIX3_USB, is_piix3_ide, is_piix3_usb, place_chipset_devices
from drivers.qemu.addresses.pci_placement import PciPlacement, wants_pci
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import Code, VirtError

#: The order in which libvirt goes through the kinds of devices that are complete; all others come last.
_RANKS: dict[type, int] = {
    kind: rank for rank, kind in enumerate((Disk, Interface, Sound, Hostdev, Filesystem, Controller))
}
#: The functions of ICH9's USB 2 controller and its USB 1.1 companions within their common slot.
_ICH9_USB_FUNCTIONS = {"ich9-uhci1": 0, "ich9-uhci2": 1, "ich9-uhci3": 2, "ich9-ehci1": 7}


def assign_pci(domain: Domain, emulator: EmulatorFacts) -> None:
    """Addresses for all PCI devices that lack one; controllers are added until there is room.

    Raises:
        VirtError: an address in the XML cannot be, or there is no room.
    """
    if not machines.supports_pci(domain, emulator):
        return
    connections = Connections(domain)
    _add_buses(domain, emulator, connections)
    placement = build_placement(domain, emulator, connections)
    place_chipset_devices(placement)
    _place_all(placement)
    mark_multifunction(placement.devices)
    complete_controllers(domain, emulator)


def _add_buses(domain: Domain, emulator: EmulatorFacts, connections: Connections) -> None:
    """Add the PCI controllers without which not every device would have its place."""
    controllers = domain.devices.controllers
    indexes = {c.index for c in controllers if c.type == "pci" and c.index is not None}
    trial = _trial(domain, emulator, connections, max(indexes, default=-1))
    index = 1
    while index < len(trial.buses):
        if index not in indexes:
            new = Controller(type="pci", index=index, model=trial.buses[index].model)
            controllers.append(new)
            # It takes a slot itself, which may call for one more; that of a pcie-to-pci-bridge came with it.
            needs = connections.flags(new)
            if needs and not needs & Connect.PCIE_TO_PCI_BRIDGE:
                trial.reserve_next(needs)
        index += 1


def _trial(domain: Domain, emulator: EmulatorFacts, connections: Connections, highest: int) -> PciAddressSet:
    """Place everything for a test, with as many buses as it takes."""
    placement = build_placement(domain, emulator, connections, growing=True)
    addresses = placement.addresses
    if not addresses.buses:
        return addresses
    place_chipset_devices(placement)
    room_left = not all(bus.full for bus in addresses.buses)
    _place_all(placement)
    if highest <= 0 and len(addresses.buses) > 1 and machines.has_pcie_root(domain):
        # Someone who leaves everything to us gets one free port, to plug something in later.
        addresses.reserve_next(Connect.PCIE_DEVICE | Connect.AUTOASSIGN | Connect.HOTPLUGGABLE)
    if room_left and machines.has_pci_root(domain):
        # A bridge can only be added while a slot for it is left.
        addresses.reserve_next(Connect.PCI_DEVICE | Connect.AUTOASSIGN)
    return addresses


def build_placement(
    domain: Domain, emulator: EmulatorFacts, connections: Connections, *, growing: bool = False
) -> PciPlacement:
    """The guest's buses with everything that has an address already.

    Raises:
        VirtError: XML_ERROR, addresses that cannot be or are used twice.
    """
    addresses = PciAddressSet(
        _buses(domain),
        growing=growing,
        multiple_roots=machines.is_pseries(domain),
        pcie_to_pci=emulator.has("pcie-pci-bridge"),
    )
    devices = list(pci_devices(domain))
    if addresses.buses and not addresses.buses[0].offers & Connect.PCI_DEVICE:
        _refuse_piix3(devices)
    placement = PciPlacement(domain, devices, addresses, connections)
    for device in sorted((d for d in devices if placement.address_of(d)), key=_rank):
        placement.reserve_given(device)
    return placement


def _rank(device: DeviceInfo) -> int:
    return _RANKS.get(type(device), len(_RANKS))


def _refuse_piix3(devices: list[DeviceInfo]) -> None:
    """Parts of a conventional chipset, at their place but on an Express bus."""
    for device in devices:
        if not isinstance(device, Controller) or not (is_piix3_ide(device) or is_piix3_usb(device)):
            continue
        if PciPlacement.address_of(device) in (PIIX3_IDE, PIIX3_USB):
            raise VirtError(Code.INTERNAL_ERROR, "Bus 0 must be PCI for integrated PIIX3 USB or IDE controllers")


def _buses(domain: Domain) -> list[Bus]:
    """A bus for each PCI controller; where an index is missing, what will be put there."""
    found: dict[int, Bus] = {}
    for controller in domain.devices.controllers:
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
    gap = "pcie-root-port" if machines.has_pcie_root(domain) else "pci-bridge"
    if machines.is_pseries(domain):
        gap = "pci-root"
    return [found.get(index) or Bus.of_model(gap) for index in range(max(found) + 1)]


def pci_devices(domain: Domain) -> Iterator[DeviceInfo]:
    """All devices that may be PCI ones, in the order in which they get their addresses."""
    devices = domain.devices
    yield from (c for c in devices.controllers if c.type == "pci")
    yield from devices.filesystems
    yield from (i for i in devices.interfaces if i.type != "hostdev")
    yield from devices.sounds
    yield from (c for c in devices.controllers if c.type != "pci")
    yield from devices.disks
    yield from (i for i in devices.interfaces if i.type == "hostdev")
    yield from devices.hostdevs
    yield from _single(devices.memballoon)
    yield from devices.rngs
    yield from devices.watchdogs
    yield from devices.videos
    yield from devices.shmems
    yield from devices.inputs
    yield from devices.serials
    yield from _single(devices.vsock)
    yield from devices.memories
    yield from _single(devices.iommu)


def _single(device: DeviceInfo | None) -> Iterator[DeviceInfo]:
    if device is not None:
        yield device


def _place_all(placement: PciPlacement) -> None:
    for device in [d for d in placement.devices if wants_pci(d)]:
        if id(device) in placement.placed:
            continue
        if isinstance(device, Controller) and device.model in _ICH9_USB_FUNCTIONS:
            _place_ich9_usb(placement, device)
        elif placement.connections.is_placed(device):
            placement.place_next(device)


def _place_ich9_usb(placement: PciPlacement, controller: Controller) -> None:
    """All parts of one ICH9 USB controller (of one index) share a slot."""
    function = _ICH9_USB_FUNCTIONS[controller.model or ""]
    for other in placement.domain.devices.controllers:
        if other.type == "usb" and other.index == controller.index and other.model in _ICH9_USB_FUNCTIONS:
            address = placement.place_of(other)
            if address is not None:
                placement.place(controller, address._replace(function=function))
                return
    placement.place_next(controller, function)


def mark_multifunction(devices: Iterable[DeviceInfo]) -> None:
    """Function 0 of a slot must say so where there are further functions."""
    functions: dict[PciAddress, list[PCIAddress]] = {}
    for device in devices:
        address = device.address
        if isinstance(address, PCIAddress) and not address.is_empty:
            key = PciAddress(address.bus, address.slot, 0, address.domain)
            functions.setdefault(key, []).append(address)
    for addresses in functions.values():
        if len(addresses) > 1:
            for address in addresses:
                if address.function == 0 and address.multifunction is None:
                    address.multifunction = True
