# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers: kinds the machine does not have, numbers that cannot be."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.controller import Controller
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import contradiction, plain, unsupported

#: PHBs of a pSeries guest.
_LAST_TARGET_INDEX = 30
_SCSI_DEVICES = {
    "lsilogic": "lsi53c895a",
    "virtio-scsi": "virtio-scsi-pci",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "dc390": "dc390",
    "am53c974": "am53c974",
}
_ROOTS = ("pci-root", "pcie-root")


def refuse_misplaced_pci(controller: Controller, domain: Domain) -> None:
    """What has to be known of a PCI controller before places are given.

    Raises:
        VirtError: the machine has no such controller, or not with this index or node.
    """
    index = controller.index or 0
    if controller.model in _ROOTS and index and not machines.is_pseries(domain):
        raise contradiction("pci-root and pcie-root controllers should have index 0")
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


def usb_disabled(domain: Domain) -> bool:
    """Whether the XML says that there is no USB."""
    return any(c.type == "usb" and c.model == "none" for c in domain.devices.controllers)


def validate_controllers(domain: Domain, emulator: EmulatorFacts) -> None:
    """All controllers are ones that the machine and its emulator have.

    Raises:
        VirtError: one is not.
    """
    _validate_usb(domain)
    for controller in domain.devices.controllers:
        match controller.type:
            case "ide":
                _validate_ide(controller, domain)
            case "scsi":
                _validate_scsi(controller, emulator)
            case "pci":
                _validate_pci(controller, domain)


def _validate_ide(controller: Controller, domain: Domain) -> None:
    """Only those of the chipset exist."""
    if machines.has_builtin_ide(domain) and controller.index:
        raise unsupported("Only a single IDE controller is supported for this machine type")
    if not machines.has_builtin_ide(domain):
        raise unsupported("IDE controllers are unsupported for this QEMU binary or machine type")


def _validate_scsi(controller: Controller, emulator: EmulatorFacts) -> None:
    model = controller.model or ""
    if model == "buslogic":
        raise unsupported(f"Unsupported controller model: {model}")
    if model == "ncr53c90":
        raise unsupported("ncr53c90 SCSI controller is not a built-in for this machine")
    device = _SCSI_DEVICES.get(model)
    if device is not None and not emulator.has_device(device) and not model.startswith("virtio"):
        raise unsupported(f"Unsupported controller model: {model}")


def _validate_pci(controller: Controller, domain: Domain) -> None:
    if controller.model in _ROOTS and controller.address is not None:
        raise unsupported("pci-root and pcie-root controllers should not have an address")
    if controller.model == "pci-root" and machines.is_pseries(domain):
        _validate_host_bridge(controller)


def _validate_host_bridge(controller: Controller) -> None:
    target = controller.target.index if controller.target else None
    if target is not None and target > _LAST_TARGET_INDEX:
        raise unsupported(f"PCI controller target index '{target}' out of range - must be 0-{_LAST_TARGET_INDEX}")
    if (controller.index == 0) != (target == 0):
        raise unsupported("Only the PCI controller with index 0 can have target index 0, and vice versa")
    if controller.index == 0 and controller.target and controller.target.node is not None:
        raise unsupported("The PCI controller with index=0 can't be associated with a NUMA node")


def _validate_usb(domain: Domain) -> None:
    usb = [c for c in domain.devices.controllers if c.type == "usb"]
    masters = {c.index for c in usb if c.model == "ich9-ehci1"}
    if any(c.master is not None and c.index not in masters for c in usb):
        raise plain("No master USB controller specified")
    if not usb_disabled(domain):
        return
    if len(usb) > 1:
        raise contradiction("Can't add another USB controller: USB is disabled for this domain")
    devices = domain.devices
    on_usb = (
        any(d.target.bus == "usb" for d in devices.disks)
        or any(h.mode == "subsystem" and h.type == "usb" for h in devices.hostdevs)
        or any(c.type == "ccid" for c in devices.controllers)
        or any(s.model == "usb" for s in devices.sounds)
        or bool(devices.hubs or devices.redirdevs)
    )
    if on_usb:
        raise unsupported("USB is disabled for this domain, but USB devices are present in the domain XML")
