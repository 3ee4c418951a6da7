# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers: numbers the XML leaves out, and those that other devices call for."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import CCIDAddress, DriveAddress, VirtioSerialAddress
from conf.domain.devices.chardev import Channel, Console
from conf.domain.devices.controller import Controller, ControllerType
from conf.domain.devices.disk import Disk
from drivers.common.drives import is_scsi
from virtd.errors import Code, VirtError

#: The parts of one USB 2 controller, which have an index in common.
ICH9_USB = ("ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3")
#: Buses of disks whose controllers are added, in this order.
_DISK_CONTROLLERS: tuple[ControllerType, ...] = ("scsi", "fdc", "ide", "sata")
#: Controllers of one kind that addresses may make us add; no machine has slots for more.
_HIGHEST_CONTROLLER = 1024


def number_controllers(domain: Domain) -> None:
    """Give controllers without an index the lowest free one of their type."""
    controllers = domain.devices.controllers
    used: dict[str, set[int]] = {}
    for controller in controllers:
        if controller.index is not None:
            used.setdefault(controller.type, set()).add(controller.index)
    previous: Controller | None = None
    for controller in controllers:
        if controller.index is None:
            taken = used.setdefault(controller.type, set())
            index = _index_of_group(controllers, controller, previous)
            if index is None:
                index = next(n for n in range(len(taken) + 1) if n not in taken)
            controller.index = index
            taken.add(index)
        previous = controller


def _index_of_group(controllers: list[Controller], part: Controller, previous: Controller | None) -> int | None:
    """The index of the USB 2 controller begun just before, if this part of it is still missing."""
    if part.type != "usb" or part.model not in ICH9_USB:
        return None
    if previous is None or previous.type != "usb" or previous.model not in ICH9_USB:
        return None
    present = {c.model for c in controllers if c.type == "usb" and c.index == previous.index}
    return None if part.model in present else previous.index


def add_missing_controllers(domain: Domain) -> None:
    """Add the controllers that disks, channels and smartcards name by their addresses."""
    devices = domain.devices
    highest = _highest_controllers(devices.disks)
    for bus in _DISK_CONTROLLERS:
        if bus in highest:
            _add_up_to(domain, bus, highest[bus])
    ports: list[Channel | Console] = [*devices.channels, *devices.consoles]
    for port in ports:
        if port.target and port.target.type == "virtio":
            place = port.address
            ensure_controller(
                domain, "virtio-serial", place.controller if isinstance(place, VirtioSerialAddress) else 0
            )
    readers = [card.address.controller for card in devices.smartcards if isinstance(card.address, CCIDAddress)]
    if readers:
        _add_up_to(domain, "ccid", max(readers))
    add_hostdev_controllers(domain, alike=True)


def _highest_controllers(disks: list[Disk]) -> dict[str | None, int]:
    """The highest controller that disks name, by bus."""
    highest: dict[str | None, int] = {}
    for disk in disks:
        address, bus = disk.address, disk.target.bus
        if isinstance(address, DriveAddress) and address.controller > highest.get(bus, -1):
            highest[bus] = address.controller
    return highest


def add_hostdev_controllers(domain: Domain, *, alike: bool = False) -> None:
    """Add the SCSI controllers that host devices name, or the first; if `alike`, a new one is like that before it."""
    places = [hostdev.address for hostdev in domain.devices.hostdevs if is_scsi(hostdev)]
    if not places:
        return
    highest = max(place.controller if isinstance(place, DriveAddress) else 0 for place in places)
    scsi = (c for c in domain.devices.controllers if c.type == "scsi" and alike)
    model = next((c.model for c in scsi if c.index is not None and c.index == highest - 1), None)
    _add_up_to(domain, "scsi", highest, model)


def _add_up_to(domain: Domain, kind: ControllerType, highest: int, model: str | None = None) -> None:
    """All controllers of a kind from 0 to the highest that is named; too many are told as stock has it, by their bridges."""
    if highest > _HIGHEST_CONTROLLER:
        raise VirtError(
            Code.INTERNAL_ERROR,
            "a PCI slot is needed to connect a PCI controller model='pci-bridge', but none is available, "
            "and it cannot be automatically added",
        )
    controllers = domain.devices.controllers
    present = {c.index for c in controllers if c.type == kind}
    missing = (index for index in range(highest + 1) if index not in present)
    controllers.extend([Controller(type=kind, index=index, model=model) for index in missing])


def find_controller(domain: Domain, kind: ControllerType, index: int) -> Controller | None:
    """The first controller of this type and number."""
    for controller in domain.devices.controllers:
        if controller.type == kind and controller.index == index:
            return controller
    return None


def ensure_controller(domain: Domain, kind: ControllerType, index: int, model: str | None = None) -> None:
    """Add a controller unless there is one of that index."""
    if find_controller(domain, kind, index) is None:
        domain.devices.controllers.append(Controller(type=kind, index=index, model=model))
