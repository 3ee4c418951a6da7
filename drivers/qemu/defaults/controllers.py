# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers: the models the XML leaves out."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.controller import Controller, USBMaster
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts, first_offered
from drivers.qemu.validate.controllers import refuse_misplaced_pci
from virtd.errors import Code, VirtError

#: Flag of the emulator → USB controller, the best first.
_XHCI = {"qemu-xhci": "qemu-xhci", "nec-usb-xhci": "nec-xhci"}
_UHCI = {"piix3-usb-uhci": "piix3-uhci"}
#: The port of the EHCI controller from which each companion serves two.
_FIRST_PORTS = {"ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4}


def choose_usb_model(domain: Domain, emulator: EmulatorFacts) -> str | None:
    """The model of a USB controller that names none."""
    if machines.is_s390(domain):
        return "none"
    if machines.is_ppc64(domain):
        return first_offered(_XHCI | {"pci-ohci": "pci-ohci"}, emulator)
    return first_offered(_XHCI if domain.os.arch == "aarch64" else _UHCI, emulator)


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
        if controller.model is None and not (machines.is_s390(domain) and controller.address):
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
