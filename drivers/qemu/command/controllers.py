# SPDX-License-Identifier: LGPL-2.1-or-later
"""-device for controllers: PCI bridges, USB, SCSI, SATA, virtio-serial, smartcard readers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conf.domain.devices.controller import Controller
from drivers.qemu import machines
from drivers.qemu.addresses.pci_controllers import MODEL_NAMES
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from drivers.qemu.command.virtio import virtio_props
from virtd.errors import Code, VirtError

#: The order in which they are written: others hang on the first.
_ORDER = ("pci", "usb", "scsi", "ide", "sata", "virtio-serial")

_USB_DRIVERS = {
    "piix3-uhci": "piix3-usb-uhci",
    "piix4-uhci": "piix4-usb-uhci",
    "ehci": "usb-ehci",
    "ich9-ehci1": "ich9-usb-ehci1",
    "ich9-uhci1": "ich9-usb-uhci1",
    "ich9-uhci2": "ich9-usb-uhci2",
    "ich9-uhci3": "ich9-usb-uhci3",
    "vt82c686b-uhci": "vt82c686b-usb-uhci",
    "pci-ohci": "pci-ohci",
    "nec-xhci": "nec-usb-xhci",
    "qemu-xhci": "qemu-xhci",
}
#: What an emulator must have for the parts of a USB 2 controller.
_USB_COMPANIONS_COME_WITH = "ich9-usb-ehci1"
_XHCI = ("nec-xhci", "qemu-xhci")

_SCSI_DRIVERS = {
    "lsilogic": "lsi",
    "lsisas1068": "mptsas1068",
    "lsisas1078": "megasas",
    "vmpvscsi": "pvscsi",
    "ibmvscsi": "spapr-vscsi",
    "dc390": "dc-390",
    "am53c974": "am53c974",
}
_SCSI_VIRTIO = ("virtio-scsi", "virtio-transitional", "virtio-non-transitional")

#: PCI controllers, where the XML does not say which device makes them.
_PCI_DRIVERS = {**MODEL_NAMES, "pci-root": "spapr-pci-host-bridge"}


def add_controllers(build: Build, line: CommandLine) -> None:
    """All controllers that the machine does not bring itself."""
    _add_pci_holes(build, line)
    controllers = build.domain.devices.controllers
    if _has_old_usb(build):
        line.add("-usb")
    for type_ in _ORDER:
        _add_all(build, line, (c for c in controllers if c.type == type_))


def add_ccid_controllers(build: Build, line: CommandLine) -> None:
    """Readers of smart cards are USB devices, which may be plugged into hubs."""
    _add_all(build, line, (c for c in build.domain.devices.controllers if c.type == "ccid"))


def _add_all(build: Build, line: CommandLine, controllers: Iterable[Controller]) -> None:
    for controller in controllers:
        if (device := controller_props(build, controller)) is not None:
            add_device(line, controller, device)


def _has_old_usb(build: Build) -> bool:
    """Whether USB is left to the board, as old ones have it."""
    own = [c for c in build.domain.devices.controllers if c.type == "usb"]
    modern = (machines.is_q35, machines.is_arm_virt, machines.is_riscv_virt, machines.is_s390)
    return all(c.model is None for c in own) and not any(is_modern(build.domain) for is_modern in modern)


def controller_props(build: Build, controller: Controller) -> Props | None:
    """-device of a controller; None: the machine has it built in.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, QEMU has no such controller.
    """
    if _is_built_in(build, controller):
        return None
    maker = _MAKERS.get(controller.type)
    if maker is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"Unsupported controller type: {controller.type}")
    made = maker(build, controller)
    return None if made is None else props({**made, **address_props(build, controller)})


def _is_built_in(build: Build, controller: Controller) -> bool:
    index = controller.index or 0
    match controller.type:
        case "pci":
            extra_root = controller.target is not None and (controller.target.index or 0) > 0
            return controller.model == "pcie-root" or (controller.model == "pci-root" and not extra_root)
        case "ide":
            if index == 0:
                return True
            raise VirtError(Code.CONFIG_UNSUPPORTED, "Only a single IDE controller is supported for this machine type")
        case "sata":
            return index == 0 and machines.is_q35(build.domain)
        case "usb":
            return controller.model in (None, "none")
        case "scsi":
            return controller.model == "ncr53c90"
        case "fdc" | "isa" | "xenbus":
            return True
        case _:
            return False


def _pci(_build: Build, controller: Controller) -> Props:
    model, target = controller.model or "", controller.target
    name = (controller.pci_model.name if controller.pci_model else None) or _PCI_DRIVERS.get(model)
    if name is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"wrong function called for PCI controller model '{model}'")
    named: Props = {"driver": name}
    if target is not None:
        if model == "pci-bridge":
            named["chassis_nr"] = target.chassis_nr
        elif model in ("pci-expander-bus", "pcie-expander-bus"):
            named["bus_nr"] = target.bus_nr
        elif model in ("pcie-root-port", "pcie-switch-downstream-port"):
            named |= {"port": target.port, "chassis": target.chassis}
        elif model == "pci-root":
            named["index"] = target.index
    named["id"] = controller.alias
    if target is not None:
        if model in ("pci-expander-bus", "pcie-expander-bus", "pci-root"):
            named["numa_node"] = target.node
        if model in ("pcie-root-port", "pcie-switch-downstream-port"):
            named["hotplug"] = target.hotplug
    return named


def _master(build: Build, companion: Controller) -> str:
    """The USB 2 controller whose slower devices the companion serves."""
    same = (c for c in build.domain.devices.controllers if c.type == "usb" and c.index == companion.index)
    found = next((c for c in same if c.master is None), None)
    if found is None or found.alias is None:
        raise VirtError(Code.INTERNAL_ERROR, "masterbus not found")
    return found.alias


def _usb(build: Build, controller: Controller) -> Props:
    model = controller.model or ""
    driver = _USB_DRIVERS.get(model)
    if driver is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"Unsupported controller type: {model}")
    if not build.caps.has(_USB_COMPANIONS_COME_WITH if model.startswith("ich9-uhci") else driver):
        text = f"USB controller model '{model}' not supported in this QEMU binary"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    ports = controller.ports
    if ports is not None and model not in _XHCI:
        text = f"usb controller type '{model}' doesn't support 'ports' with this QEMU binary"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    if controller.master is not None:
        return {
            "driver": driver,
            "masterbus": f"{_master(build, controller)}.0",
            "firstport": controller.master.startport,
        }
    return {"driver": driver, "p2": ports, "p3": ports, "id": controller.alias}


def _scsi(build: Build, controller: Controller) -> Props:
    model = controller.model or ""
    if model not in _SCSI_VIRTIO:
        if model not in _SCSI_DRIVERS:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"Unsupported controller model: {model}")
        return {"driver": _SCSI_DRIVERS[model], "id": controller.alias}
    driver = controller.driver
    return {
        **virtio_props(build, "virtio-scsi", controller, driver, model.replace("virtio-scsi", "virtio")),
        "iothread": f"iothread{driver.iothread}" if driver and driver.iothread else None,
        "id": controller.alias,
        "num_queues": (driver.queues or None) if driver else None,
        "cmd_per_lun": (driver.cmd_per_lun or None) if driver else None,
        "max_sectors": (driver.max_sectors or None) if driver else None,
        "ioeventfd": driver.ioeventfd if driver else None,
    }


def _virtio_serial(build: Build, controller: Controller) -> Props:
    return {
        **virtio_props(build, "virtio-serial", controller, controller.driver, controller.model),
        "id": controller.alias,
        "max_ports": controller.ports,
        "vectors": controller.vectors,
    }


_MAKERS: dict[str, Callable[[Build, Controller], Props]] = {
    "pci": _pci,
    "usb": _usb,
    "scsi": _scsi,
    "sata": lambda _build, controller: {"driver": "ahci", "id": controller.alias},
    "virtio-serial": _virtio_serial,
    "ccid": lambda _build, controller: {"driver": "usb-ccid", "id": controller.alias},
}


def _add_pci_holes(build: Build, line: CommandLine) -> None:
    """How much room above 4 GiB the root leaves to devices."""
    for controller in build.domain.devices.controllers:
        if controller.type == "pci" and controller.pcihole64 is not None:
            host = "q35-pcihost" if controller.model == "pcie-root" else "i440FX-pcihost"
            line.add("-global", f"{host}.pci-hole64-size={controller.pcihole64}K")
