# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a PCI controller is called in QEMU and how the guest numbers it: `<model name=…>` and `<target …>`."""

from __future__ import annotations

from typing import Final

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller, PCIControllerModel, PCIControllerTarget, PCIModelName
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from virtd.errors import Code, VirtError

#: QEMU's device for a controller model.
MODEL_NAMES: dict[str, PCIModelName] = {
    "pci-bridge": "pci-bridge",
    "dmi-to-pci-bridge": "i82801b11-bridge",
    "pcie-to-pci-bridge": "pcie-pci-bridge",
    "pcie-root-port": "pcie-root-port",
    "pcie-switch-upstream-port": "x3130-upstream",
    "pcie-switch-downstream-port": "xio3130-downstream",
    "pci-expander-bus": "pxb",
    "pcie-expander-bus": "pxb-pcie",
}

#: A root of a pSeries guest.
HOST_BRIDGE: Final = "spapr-pci-host-bridge"
#: What older emulators have as root port.
OLD_ROOT_PORT: Final = "ioh3420"
#: Expander buses get numbers from here downwards, so that bridges below find room above them.
_BUS_NUMBERS = 256
_BUS_NUMBER_STEP = 2


def complete_controllers(domain: Domain, emulator: EmulatorFacts) -> None:
    """Fill in what the XML leaves out, once all addresses are known.

    Raises:
        VirtError: a controller is plugged into a bus behind itself, or numbers run out.
    """
    controllers = [c for c in domain.devices.controllers if c.type == "pci"]
    for controller in controllers:
        _name(controller, domain, emulator)
        _number(controller, controllers, domain)


def _name(controller: Controller, domain: Domain, emulator: EmulatorFacts) -> None:
    name = MODEL_NAMES.get(controller.model or "")
    if controller.model == "pci-root" and machines.is_pseries(domain):
        name = HOST_BRIDGE
    if controller.model == "pcie-root-port" and not emulator.has("pcie-root-port"):
        name = OLD_ROOT_PORT
    if name and not (controller.pci_model and controller.pci_model.name):
        controller.pci_model = PCIControllerModel(name=name)


def _number(controller: Controller, controllers: list[Controller], domain: Domain) -> None:
    index = controller.index or 0
    match controller.model:
        case "pci-bridge":
            target = _target(controller)
            target.chassis_nr = index if target.chassis_nr is None else target.chassis_nr
            _check_order(controller, index)
        case "pcie-root-port" | "pcie-switch-downstream-port":
            target = _target(controller)
            target.chassis = index if target.chassis is None else target.chassis
            if target.port is None and isinstance(controller.address, PCIAddress):
                target.port = _port(controller.model, controller.address)
        case "pci-expander-bus" | "pcie-expander-bus":
            target = _target(controller)
            if target.bus_nr is None:
                target.bus_nr = _free_bus_number(controllers)
        case "pci-root" if machines.is_pseries(domain):
            target = _target(controller)
            if target.index is None:
                target.index = _free_target_index(controllers) if index else 0


def _target(controller: Controller) -> PCIControllerTarget:
    if controller.target is None:
        controller.target = PCIControllerTarget()
    return controller.target


def _port(model: str, address: PCIAddress) -> int:
    """Root ports may share a slot; of the ports of a switch each has its own."""
    return (address.slot << 3) + address.function if model == "pcie-root-port" else address.slot


def _free_bus_number(controllers: list[Controller]) -> int:
    taken = [c.target.bus_nr for c in controllers if c.target and c.target.bus_nr is not None]
    number = min(taken, default=_BUS_NUMBERS) - _BUS_NUMBER_STEP
    if number <= 0:
        raise VirtError(
            Code.INTERNAL_ERROR, "No free busNr lower than current lowest busNr is available to auto-assign"
        )
    return number


def _free_target_index(controllers: list[Controller]) -> int:
    taken = {c.target.index for c in controllers if c.target}
    return next(n for n in range(1, len(controllers) + 2) if n not in taken)


def _check_order(bridge: Controller, index: int) -> None:
    address = bridge.address
    if isinstance(address, PCIAddress) and not address.is_empty and address.bus >= index:
        raise VirtError(
            Code.CONFIG_UNSUPPORTED,
            f"PCI controller at index {index} (0x{index:02x}) has bus='0x{address.bus:02x}', "
            "but index must be larger than bus",
        )
