# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be said of each PCI controller in `<model name=…>` and `<target …>`."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.controller import Controller
from drivers.qemu import machines
from drivers.qemu.addresses.pci_controllers import HOST_BRIDGE, MODEL_NAMES, OLD_ROOT_PORT
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import unsupported
from virtd.errors import VirtError

#: Option → the field of `<target>` with it.
_FIELDS = {
    "targetIndex": "index",
    "busNr": "bus_nr",
    "numaNode": "node",
    "chassisNr": "chassis_nr",
    "chassis": "chassis",
    "port": "port",
    "hotplug": "hotplug",
}


def _other_than(*options: str) -> dict[str, str]:
    return {option: field for option, field in _FIELDS.items() if option not in options}


_NOT_OF_PORTS = _other_than("chassis", "port", "hotplug")
_NOT_OF_EXPANDERS = _other_than("busNr", "numaNode")
#: Model → what cannot be said of it; of the others nothing can.
_FOREIGN: dict[str | None, dict[str, str]] = {
    "pci-bridge": _other_than("chassisNr"),
    "pcie-root-port": _NOT_OF_PORTS,
    "pcie-switch-downstream-port": _NOT_OF_PORTS,
    "pci-expander-bus": _NOT_OF_EXPANDERS,
    "pcie-expander-bus": _NOT_OF_EXPANDERS,
}
#: Model → QEMU's devices for it.
_NAMES: dict[str | None, tuple[str, ...]] = {model: (name,) for model, name in MODEL_NAMES.items()}
_NAMES["pcie-root-port"] += (OLD_ROOT_PORT,)


def validate_pci_options(controller: Controller, domain: Domain, emulator: EmulatorFacts) -> None:
    """Only options that the controller has.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, it has another.
    """
    model, target = controller.model, controller.target
    name = controller.pci_model.name if controller.pci_model else None
    if name is not None:
        names = _NAMES.get(model, ()) if model != "pci-root" else _names_of_root(domain)
        if name not in names:
            raise _refused("modelName", "has invalid value" if names else "is not valid", controller)
    if controller.pcihole64 is not None and not (machines.is_i440fx(domain) or machines.is_q35(domain)):
        raise unsupported(f"Setting the 64-bit PCI hole size is not supported for machine '{domain.os.machine}'")
    if target is not None:
        foreign = _FOREIGN.get(model, _FIELDS) if model != "pci-root" else _foreign_to_root(domain, emulator)
        for option, field in foreign.items():
            if getattr(target, field) is not None:
                raise _refused(option, "is not valid", controller)


def _names_of_root(domain: Domain) -> tuple[str, ...]:
    return (HOST_BRIDGE,) if machines.is_pseries(domain) else ()


def _foreign_to_root(domain: Domain, emulator: EmulatorFacts) -> dict[str, str]:
    if machines.is_pseries(domain):
        return _other_than("targetIndex", "numaNode", "hotplug")
    if machines.is_i440fx(domain) and emulator.has("piix4.acpi-root-pci-hotplug"):
        return _other_than("hotplug")
    return _FIELDS


def _refused(option: str, why: str, controller: Controller) -> VirtError:
    name = controller.pci_model.name if controller.pci_model else None
    return unsupported(
        f"Option '{option}' {why} for PCI controller with index '{controller.index}', "
        f"model '{controller.model}' and modelName '{name or 'none'}'"
    )
