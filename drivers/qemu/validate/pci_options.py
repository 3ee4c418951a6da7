# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be said of each PCI controller in `<model name=…>` and `<target …>`."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain import Domain
from conf.domain.devices.controller import Controller
from drivers.qemu import machines
from drivers.qemu.addresses.pci_controllers import HOST_BRIDGE, MODEL_NAMES, OLD_ROOT_PORT
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import unsupported

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
    name = controller.pci_model.name if controller.pci_model else None
    who = (
        f"for PCI controller with index '{controller.index}', model '{controller.model}' "
        f"and modelName '{name or 'none'}'"
    )
    names = _names(controller, domain)
    if name is not None and not names:
        raise unsupported(f"Option 'modelName' is not valid {who}")
    if name is not None and name not in names:
        raise unsupported(f"Option 'modelName' has invalid value {who}")
    if controller.pcihole64 is not None and not (machines.is_i440fx(domain) or machines.is_q35(domain)):
        raise unsupported(f"Setting the 64-bit PCI hole size is not supported for machine '{domain.os.machine}'")
    allowed = _allowed(controller, domain, emulator)
    for option in _given(controller):
        if option not in allowed:
            raise unsupported(f"Option '{option}' is not valid {who}")


def _names(controller: Controller, domain: Domain) -> tuple[str, ...]:
    """QEMU's devices for the controller."""
    if controller.model == "pci-root":
        return (HOST_BRIDGE,) if machines.is_pseries(domain) else ()
    name = MODEL_NAMES.get(controller.model or "")
    if name is None:
        return ()
    return (name, OLD_ROOT_PORT) if controller.model == "pcie-root-port" else (name,)


def _allowed(controller: Controller, domain: Domain, emulator: EmulatorFacts) -> frozenset[str]:
    if controller.model != "pci-root":
        return _OPTIONS.get(controller.model or "", frozenset())
    if machines.is_pseries(domain):
        return frozenset({"targetIndex", "numaNode", "hotplug"})
    if machines.is_i440fx(domain) and emulator.has("piix4.acpi-root-pci-hotplug"):
        return frozenset({"hotplug"})
    return frozenset()


def _given(controller: Controller) -> Iterator[str]:
    target = controller.target
    if target is None:
        return
    values = {
        "targetIndex": target.index,
        "busNr": target.bus_nr,
        "numaNode": target.node,
        "chassisNr": target.chassis_nr,
        "chassis": target.chassis,
        "port": target.port,
        "hotplug": target.hotplug,
    }
    yield from (option for option, value in values.items() if value is not None)
