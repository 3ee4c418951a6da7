# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be said of each PCI controller in `<model name=…>` and `<target …>`."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.controller import Controller, PCIControllerTarget
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
_PORT_OPTIONS = frozenset({"chassis", "port", "hotplug"})
_EXPANDER_OPTIONS = frozenset({"busNr", "numaNode"})
#: Options of a model; the others have none.
_OPTIONS: dict[str, frozenset[str]] = {
    "pci-bridge": frozenset({"chassisNr"}),
    "pcie-root-port": _PORT_OPTIONS,
    "pcie-switch-downstream-port": _PORT_OPTIONS,
    "pci-expander-bus": _EXPANDER_OPTIONS,
    "pcie-expander-bus": _EXPANDER_OPTIONS,
}


def validate_pci_options(controller: Controller, domain: Domain, emulator: EmulatorFacts) -> None:
    """Only options that the controller has.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, it has another.
    """
    if controller.pci_model is not None and controller.pci_model.name is not None:
        _validate_name(controller.pci_model.name, controller, domain)
    if controller.pcihole64 is not None and not (machines.is_i440fx(domain) or machines.is_q35(domain)):
        raise unsupported(f"Setting the 64-bit PCI hole size is not supported for machine '{domain.os.machine}'")
    if controller.target is not None:
        _validate_target(controller.target, controller, domain, emulator)


def _validate_name(name: str, controller: Controller, domain: Domain) -> None:
    names = _names(controller, domain)
    if not names:
        raise _refused("modelName", "is not valid", controller)
    if name not in names:
        raise _refused("modelName", "has invalid value", controller)


def _names(controller: Controller, domain: Domain) -> tuple[str, ...]:
    """QEMU's devices for the controller."""
    if controller.model == "pci-root":
        return (HOST_BRIDGE,) if machines.is_pseries(domain) else ()
    name = MODEL_NAMES.get(controller.model or "")
    if name is None:
        return ()
    return (name, OLD_ROOT_PORT) if controller.model == "pcie-root-port" else (name,)


def _validate_target(
    target: PCIControllerTarget, controller: Controller, domain: Domain, emulator: EmulatorFacts
) -> None:
    allowed = _allowed(controller, domain, emulator)
    for option, field in _FIELDS.items():
        if option not in allowed and getattr(target, field) is not None:
            raise _refused(option, "is not valid", controller)


def _allowed(controller: Controller, domain: Domain, emulator: EmulatorFacts) -> frozenset[str]:
    if controller.model != "pci-root":
        return _OPTIONS.get(controller.model or "", frozenset())
    if machines.is_pseries(domain):
        return frozenset({"targetIndex", "numaNode", "hotplug"})
    if machines.is_i440fx(domain) and emulator.has("piix4.acpi-root-pci-hotplug"):
        return frozenset({"hotplug"})
    return frozenset()


def _refused(option: str, why: str, controller: Controller) -> VirtError:
    name = controller.pci_model.name if controller.pci_model else None
    return unsupported(
        f"Option '{option}' {why} for PCI controller with index '{controller.index}', "
        f"model '{controller.model}' and modelName '{name or 'none'}'"
    )
