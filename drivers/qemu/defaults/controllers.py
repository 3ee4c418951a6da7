# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers: numbers and models the XML leaves out, and those that other devices call for."""

from __future__ import annotations

from collections.abc import Iterable

from conf.domain import Domain
from conf.domain.devices.address import CCIDAddress, DriveAddress, VirtioSerialAddress
from conf.domain.devices.chardev import Channel, Console
from conf.domain.devices.controller import Controller, ControllerType, USBMaster
from drivers.qemu import machines
from drivers.qemu.addresses.pci import no_slot
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.controllers import refuse_misplaced_pci
from virtd.errors import Code, VirtError

#: The parts of one USB 2 controller, which have an index in common.
ICH9_USB = ("ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3")
#: The port of the EHCI controller from which each companion serves two.
_FIRST_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}
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


def choose_usb_model(domain: Domain, emulator: EmulatorFacts) -> str | None:
    """The model of a USB controller that names none."""
    if machines.is_s390(domain):
        return "none"
    preference = {"piix3-usb-uhci": "piix3-uhci"}
    if machines.is_ppc64(domain):
        preference = {"qemu-xhci": "qemu-xhci", "nec-usb-xhci": "nec-xhci", "pci-ohci": "pci-ohci"}
    elif domain.os.arch == "aarch64":
        preference = {"qemu-xhci": "qemu-xhci", "nec-usb-xhci": "nec-xhci"}
    return next((model for flag, model in preference.items() if emulator.has(flag)), None)


def choose_scsi_model(domain: Domain, emulator: EmulatorFacts, index: int) -> str:
    """The model of a SCSI controller that names none.

    Raises:
        VirtError: INTERNAL_ERROR, the emulator has no SCSI controller at all.
    """
    if machines.is_pseries(domain):
        return "ibmvscsi"
    if machines.is_s390(domain):
        return "virtio-scsi"
    if emulator.has("lsi"):
        return "lsilogic"
    if emulator.has("virtio-scsi-pci"):
        return "virtio-scsi"
    if machines.has_builtin_esp(domain):
        return "ncr53c90"
    raise VirtError(Code.INTERNAL_ERROR, f"Unable to determine model for SCSI controller idx={index}")


def complete_controller(controller: Controller, domain: Domain, emulator: EmulatorFacts) -> None:
    """Choose a model where the XML leaves it to us.

    Raises:
        VirtError: there is none, or the XML's is not for QEMU.
    """
    if controller.type == "usb":
        if controller.model is None and not (machines.is_s390(domain) and (controller.index or controller.address)):
            controller.model = choose_usb_model(domain, emulator)
        if controller.master is None and controller.model in _FIRST_PORTS:
            controller.master = USBMaster(startport=_FIRST_PORTS[controller.model])
        if controller.model in ("qusb1", "qusb2"):
            raise VirtError(
                Code.CONFIG_UNSUPPORTED, "USB controller model type 'qusb1' or 'qusb2' is not supported in qemu"
            )
    elif controller.type == "pci":
        refuse_misplaced_pci(controller, domain)
    elif controller.type == "scsi" and controller.model in (None, "auto"):
        controller.model = choose_scsi_model(domain, emulator, controller.index or 0)


def add_missing_controllers(domain: Domain) -> None:
    """Add the controllers that disks, channels and smartcards name by their addresses."""
    devices = domain.devices
    for bus in ("scsi", "fdc", "ide", "sata"):
        addresses = (d.address for d in devices.disks if d.target.bus == bus)
        _add_up_to(domain, bus, (a.controller for a in addresses if isinstance(a, DriveAddress)))
    ports: list[Channel | Console] = [*devices.channels, *devices.consoles]
    places = [d.address for d in ports if d.target and d.target.type == "virtio"]
    for place in places:
        ensure_controller(domain, "virtio-serial", place.controller if isinstance(place, VirtioSerialAddress) else 0)
    cards = (d.address for d in devices.smartcards)
    _add_up_to(domain, "ccid", (a.controller for a in cards if isinstance(a, CCIDAddress)))
    add_hostdev_controllers(domain)


def add_hostdev_controllers(domain: Domain) -> None:
    """Add the SCSI controllers that host devices name, or the first; a new one is like that before it."""
    hostdevs = [h for h in domain.devices.hostdevs if h.mode == "subsystem" and h.type == "scsi"]
    wanted = [h.address.controller if isinstance(h.address, DriveAddress) else 0 for h in hostdevs]
    highest = max(wanted, default=-1)
    scsi = (c for c in domain.devices.controllers if c.type == "scsi")
    model = next((c.model for c in scsi if c.index is not None and c.index == highest - 1), None)
    _add_up_to(domain, "scsi", wanted, model)


def _add_up_to(domain: Domain, kind: ControllerType, wanted: Iterable[int], model: str | None = None) -> None:
    """All controllers of a kind from 0 to the highest that is wanted."""
    highest = max(wanted, default=-1)
    if highest > _HIGHEST_CONTROLLER:
        raise no_slot("pci-bridge")
    controllers = domain.devices.controllers
    present = {c.index for c in controllers if c.type == kind}
    missing = (index for index in range(highest + 1) if index not in present)
    controllers.extend([Controller(type=kind, index=index, model=model) for index in missing])


def ensure_controller(domain: Domain, kind: ControllerType, index: int, model: str | None = None) -> None:
    """Add a controller unless there is one of that index."""
    if not any(c.type == kind and c.index == index for c in domain.devices.controllers):
        domain.devices.controllers.append(Controller(type=kind, index=index, model=model))
