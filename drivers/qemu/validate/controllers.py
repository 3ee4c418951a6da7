# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers: kinds the machine does not have, numbers that cannot be."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import CCWAddress, PCIAddress
from conf.domain.devices.controller import Controller, ControllerDriver
from drivers.qemu import machines
from drivers.qemu.addresses.usb_assign import usb_devices
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import contradiction, unsupported
from drivers.qemu.validate.pci_options import validate_pci_options
from drivers.qemu.validate.question import Question

_SCSI_DEVICES = {
    "lsilogic": "lsi53c895a",
    "virtio-scsi": "virtio-scsi-pci",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "dc390": "dc390",
    "am53c974": "am53c974",
}
_XHCI_PORTS = 15
_ROOTS = ("pci-root", "pcie-root")


def refuse_misplaced_pci(controller: Controller, domain: Domain) -> None:
    """What has to be known of a PCI controller before places are given.

    Raises:
        VirtError: the machine has no such controller, or not with this index or node.
    """
    index = controller.index or 0
    if controller.model in _ROOTS and index and not machines.is_pseries(domain):
        raise contradiction("pci-root and pcie-root controllers should have index 0")
    if controller.model == "pcie-root" and index:
        raise unsupported("Index for 'pcie-root' controllers must be 0")
    if controller.model == "pci-expander-bus" and not machines.is_i440fx(domain):
        raise unsupported("pci-expander-bus controllers are only supported on 440fx-based machinetypes")
    if controller.model == "pcie-expander-bus" and not (machines.is_q35(domain) or machines.is_arm_virt(domain)):
        raise unsupported("pcie-expander-bus controllers are not supported with this machine type")
    nodes = len(domain.cpu.numa.cells) if domain.cpu and domain.cpu.numa else 0
    node = controller.target.node if controller.target else None
    if node is not None and node >= nodes:
        raise contradiction(
            f"{controller.model} with index {index} is configured for a NUMA node ({node}) not present in the "
            f"domain's <cpu><numa> array ({nodes})"
        )


def validate_controller(controller: Controller, question: Question) -> None:
    """A controller that the machine and its emulator have.

    Raises:
        VirtError: it is not.
    """
    domain, emulator = question.domain, question.emulator
    match controller.type:
        case "pci":
            validate_pci_options(controller, domain, emulator)
        case "ide":
            _validate_ide(controller, domain)
        case "scsi":
            _validate_scsi(controller, emulator)
            if controller.driver is not None and controller.driver.iothread:
                _validate_iothread(controller.driver.iothread, controller, domain)
        case "sata" if not emulator.has("ich9-ahci"):
            raise unsupported("SATA is not supported with this QEMU binary")
        case "usb":
            _validate_xhci(controller)
    if controller.driver is not None:
        _validate_driver(controller.driver, controller)


def _validate_ide(controller: Controller, domain: Domain) -> None:
    """Only those of the chipset exist."""
    if not machines.has_builtin_ide(domain):
        raise unsupported("IDE controllers are unsupported for this QEMU binary or machine type")
    if controller.index:
        raise unsupported("Only a single IDE controller is supported for this machine type")


def _validate_scsi(controller: Controller, emulator: EmulatorFacts) -> None:
    model = controller.model or ""
    if model == "buslogic":
        raise unsupported(f"Unsupported controller model: {model}")
    if model == "ncr53c90":
        raise unsupported("ncr53c90 SCSI controller is not a built-in for this machine")
    device = _SCSI_DEVICES.get(model)
    if device is not None and not emulator.has_device(device) and not model.startswith("virtio"):
        raise unsupported(f"Unsupported controller model: {model}")


def _validate_xhci(controller: Controller) -> None:
    if controller.model in ("nec-xhci", "qemu-xhci") and (controller.ports or 0) > _XHCI_PORTS:
        raise unsupported(f"'{controller.model}' controller only supports up to '{_XHCI_PORTS}' ports")


def _validate_driver(driver: ControllerDriver, controller: Controller) -> None:
    """Queues and limits are virtio-scsi's."""
    if controller.type == "scsi" and (controller.model or "").startswith("virtio"):
        return
    for option in ("queues", "cmd_per_lun", "max_sectors", "ioeventfd"):
        if getattr(driver, option):
            raise unsupported(f"'{option}' is only supported by virtio-scsi controller")


def _validate_iothread(thread: int, controller: Controller, domain: Domain) -> None:
    if not isinstance(controller.address, PCIAddress | CCWAddress):
        raise unsupported("virtio-scsi IOThreads only available for virtio pci and virtio ccw controllers")
    if thread not in domain.all_iothread_ids():
        raise unsupported(f"controller iothread '{thread}' not defined in iothreadid")


def has_usb(domain: Domain) -> bool:
    """Whether there is a USB controller."""
    return any(c.type == "usb" and c.model != "none" for c in domain.devices.controllers)


def validate_usb(domain: Domain) -> None:
    """USB devices need a USB controller.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, there is none.
    """
    if has_usb(domain):
        return
    if domain.devices.hubs or usb_devices(domain):
        raise unsupported("USB is disabled for this domain, but USB devices are present in the domain XML")
