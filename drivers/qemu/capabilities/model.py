# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known of one emulator after it was probed."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from drivers.qemu.capabilities.arch import X86

VirtType = Literal["kvm", "qemu"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MachineType(_Record):
    """A machine type.  `default_cpu` is the model's name, not QEMU's type name."""

    name: str
    alias: str | None = None
    max_cpus: int = 0
    default_cpu: str | None = None
    default_ram_id: str | None = None
    hotpluggable_cpus: bool = False
    numa_mem_supported: bool = True
    deprecated: bool = False
    acpi: bool | None = None


class CpuDefinition(_Record):
    """A CPU model that QEMU knows; `blockers` are the features that this host lacks for it, None if QEMU does not say."""

    name: str
    typename: str
    blockers: tuple[str, ...] | None = None
    deprecated: bool = False

    @property
    def usable(self) -> str:
        """`usable` as domain capabilities show it."""
        if self.blockers is None:
            return "unknown"
        return "no" if self.blockers else "yes"


class CpuFacts(_Record):
    """CPU models under one accelerator and the best one it can give (`host`, or `max` for TCG) as QOM properties."""

    models: tuple[CpuDefinition, ...] = ()
    best_model: str | None = None
    best: dict[str, bool | int | str] = {}
    #: properties of `best` that QEMU has but would not migrate
    unmigratable: frozenset[str] = frozenset()


class GicSupport(_Record):
    """An ARM interrupt controller version and who can provide it."""

    version: int
    kernel: bool
    emulated: bool


class Summary(_Record):
    """What the host's capabilities tell of an emulator: little, so that listing all of them is quick."""

    path: str
    arch: str
    host_arch: str
    version: int
    package: str = ""
    kvm: bool = False
    default_machine: str | None = None
    machines: tuple[MachineType, ...] = ()

    @cached_property
    def _machines_by_name(self) -> dict[str, MachineType]:
        aliases = {m.alias: m for m in self.machines if m.alias}
        return aliases | {m.name: m for m in self.machines}

    def machine(self, name: str, virt_type: str = "qemu") -> MachineType | None:
        """The machine of this name or alias; QEMU has the same ones under every accelerator."""
        return self._machines_by_name.get(name)


class Capabilities(Summary):
    """All that was probed.  Implements `drivers.qemu.facts.EmulatorFacts`."""

    flags: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    cpus: dict[VirtType, CpuFacts] = {}
    gic: tuple[GicSupport, ...] = ()
    sev: dict[str, Any] | None = None
    sgx: bool = False

    def has(self, flag: str) -> bool:
        """Whether it has a capability, in libvirt's name for the flag."""
        return flag in self.flags

    def has_device(self, name: str) -> bool:
        """Whether QEMU has a device or object type of this name."""
        return name in self.types

    def has_command(self, name: str) -> bool:
        """Whether QEMU has a QMP command of this name."""
        return name in self.commands

    def supports_gic(self, version: int, virt_type: str) -> bool:
        """Whether the interrupt controller of this version (2, 3) can be had."""
        return any(g.version == version and (g.kernel if virt_type == "kvm" else g.emulated) for g in self.gic)

    def cpu_facts(self, virt_type: str) -> CpuFacts:
        """CPU models as guests of this type see them."""
        found = self.cpus.get("kvm" if virt_type == "kvm" else "qemu")
        return found if found is not None else CpuFacts()

    @property
    def is_x86(self) -> bool:
        return self.arch in X86
