# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serial ports: what they are."""

from __future__ import annotations

from typing import Literal

from conf.domain import Domain
from conf.domain.devices.chardev import Serial, SerialTarget
from conf.domain.devices.chardev import SerialTargetModel as TargetModel
from drivers.qemu import machines

SerialType = Literal[
    "isa-serial", "usb-serial", "pci-serial", "spapr-vio-serial", "system-serial", "sclp-serial", "isa-debug"
]
ModelName = Literal[
    "isa-serial", "usb-serial", "pci-serial", "spapr-vty", "pl011", "sclpconsole", "16550a", "isa-debugcon"
]

#: Serial target type → its usual chip; "system-serial" depends on the architecture.
_MODELS: dict[str, ModelName] = {
    "isa-serial": "isa-serial",
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vio-serial": "spapr-vty",
    "sclp-serial": "sclpconsole",
    "isa-debug": "isa-debugcon",
}


def complete_serial(serial: Serial, domain: Domain) -> None:
    """Choose target type and model."""
    target = serial.target = serial.target or SerialTarget()
    if target.type == "isa-serial":
        # That used to be written for every machine's usual port.
        target.type = None
    if target.type is None:
        target.type = _usual_type(domain)
    if target.type is None or (target.model and target.model.name):
        return
    name = _system_model(domain) if target.type == "system-serial" else _MODELS[target.type]
    if name is not None:
        target.model = TargetModel(name=name)


def _usual_type(domain: Domain) -> SerialType | None:
    """What the machine has by itself."""
    if machines.is_x86(domain):
        return "isa-serial"
    if machines.is_pseries(domain):
        return "spapr-vio-serial"
    if machines.is_arm_virt(domain) or machines.is_riscv_virt(domain):
        return "system-serial"
    return "sclp-serial" if machines.is_s390(domain) else None


def _system_model(domain: Domain) -> Literal["pl011", "16550a"] | None:
    if machines.is_arm(domain):
        return "pl011"
    return "16550a" if machines.is_riscv_virt(domain) else None
