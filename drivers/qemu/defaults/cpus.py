# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's CPU model where the XML leaves it open, and how strictly it is compared with the host's."""

from __future__ import annotations

from typing import Literal

from conf.domain import Domain
from conf.domain.cpu import CPU, CPUModel
from drivers.qemu import machines
from drivers.qemu.capabilities.arch import ARM, PPC64, S390, X86
from drivers.qemu.facts import EmulatorFacts

#: Architectures on which a guest's processor is written down at all.
_NAMING_MODELS = X86 | ARM | PPC64 | S390


def complete_cpu(domain: Domain, emulator: EmulatorFacts) -> None:
    """Name the model that QEMU would take, and fill in how to compare it."""
    cpu = domain.cpu
    if cpu is not None:
        _complete_model(cpu)
    if cpu is None or (cpu.mode in (None, "custom") and (cpu.model is None or cpu.model.name is None)):
        _take_default(domain, emulator)
        cpu = domain.cpu
    if cpu is None or cpu.mode is None:
        return
    if cpu.check_ is None:
        cpu.check_ = _usual_check(cpu, domain)
    if cpu.mode == "host-passthrough" and cpu.migratable is None and machines.is_x86(domain):
        cpu.migratable = emulator.has("cpu.migratable")


def _complete_model(cpu: CPU) -> None:
    """What goes without saying when a model is named; without a name, `<model>` can only say how the vendor shows."""
    if cpu.model is None or cpu.model.name is None:
        vendor = cpu.model.vendor_id if cpu.model else None
        cpu.model = CPUModel(vendor_id=vendor) if vendor else None
        return
    cpu.model.fallback = cpu.model.fallback or "allow"
    cpu.mode = cpu.mode or "custom"
    if cpu.mode == "custom":
        cpu.match = cpu.match or "exact"


def _take_default(domain: Domain, emulator: EmulatorFacts) -> None:
    machine = emulator.machine(domain.os.machine or "", domain.type)
    if machine is None or machine.default_cpu is None or domain.os.arch not in _NAMING_MODELS:
        return
    cpu = domain.cpu = domain.cpu or CPU()
    cpu.mode = "custom"
    cpu.match = "exact"
    cpu.check_ = "none"
    cpu.model = CPUModel(fallback="forbid", name=_generic_name(machine.default_cpu))


def _generic_name(name: str) -> str:
    """libvirt names POWER models by generation: `POWER9` for QEMU's `power9_v2.0`."""
    return name.partition("_")[0].upper() if name.startswith("power") else name


def _usual_check(cpu: CPU, domain: Domain) -> Literal["none", "partial"]:
    """Passed through needs no comparison; TCG makes up whatever a named model has."""
    if cpu.mode == "host-model":
        return "partial"
    if cpu.mode == "custom" and domain.type == "kvm":
        return "partial"
    return "none"
