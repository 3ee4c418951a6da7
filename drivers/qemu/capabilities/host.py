# SPDX-License-Identifier: LGPL-2.1-or-later
"""virConnectGetCapabilities: the host and the kinds of guests it can run."""

from __future__ import annotations

from collections.abc import Iterable

from conf.capabilities import (
    Counter,
    GuestArch,
    GuestDomain,
    GuestFeatures,
    GuestKind,
    GuestMachine,
    Host,
    HostCpu,
    MigrationFeatures,
    Named,
    SecurityModel,
    Signature,
    Toggle,
)
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.common.cpu.decode import NamedCpu, decode_host
from drivers.common.hostcapabilities import plain_host
from drivers.common.topology import cpu_topology, read_cpus
from drivers.qemu.capabilities.arch import ARCHES, X86
from drivers.qemu.capabilities.model import MachineType, Summary
from drivers.qemu.cpu.host import CpuInfo, raw_cpu, tsc_frequency


def describe_host(arch: str, secmodels: list[SecurityModel]) -> Host:
    """All about the host but its name.  Blocks."""
    host = plain_host(arch, secmodels)
    cpu = _host_cpu(arch)
    cpu.topology, cpu.pages = cpu_topology(read_cpus()), host.cpu.pages
    host.cpu = cpu
    host.migration_features = MigrationFeatures(live=True, transports=["tcp", "rdma"])
    return host


def host_cpu_model(arch: str) -> NamedCpu | None:
    """The host's CPU as a named model, where the CPU map knows it.  Blocks."""
    cpu_map = load_cpu_map(arch)
    return decode_host(raw_cpu(CpuInfo.read(), cpu_map), cpu_map) if arch in X86 else None


def _host_cpu(arch: str) -> HostCpu:
    if arch not in X86:
        return HostCpu(arch=arch)
    info, named, tsc = CpuInfo.read(), host_cpu_model(arch), tsc_frequency()
    signature, bits = info.signature, info.physical_address_bits
    return HostCpu(
        arch=arch,
        model=named.model if named else None,
        vendor=named.vendor if named else None,
        microcode=info.number("microcode"),
        signature=Signature(family=signature[0], model=signature[1], stepping=info.number("stepping") or 0)
        if signature
        else None,
        counter=Counter(name="tsc", frequency=tsc[0], scaling=tsc[1]) if tsc else None,
        physical_address_mode="emulate" if bits else None,
        physical_address_bits=bits,
        features=[Named(name=name) for name in named.require] if named else [],
    )


def describe_guests(emulators: Iterable[tuple[str, Summary]]) -> list[GuestKind]:
    """The kinds of guests, from (architecture, its emulator) in the order to be shown."""
    return [_guest(arch, found) for arch, found in emulators]


def _guest(arch: str, found: Summary) -> GuestKind:
    machines = sorted(found.machines, key=lambda m: m.name != found.default_machine)
    return GuestKind(
        os_type="hvm",
        arch=GuestArch(
            name=arch,
            wordsize=ARCHES[arch].wordsize,
            emulator=found.path,
            machines=[shown for machine in machines for shown in _machine(machine)],
            domains=[GuestDomain(type=name) for name in (("qemu", "kvm") if found.kvm else ("qemu",))],
        ),
        features=_guest_features(arch),
    )


def _machine(machine: MachineType) -> list[GuestMachine]:
    """A machine and, after it, its alias."""
    max_cpus, deprecated = machine.max_cpus or None, True if machine.deprecated else None
    shown = [GuestMachine(name=machine.name, max_cpus=max_cpus, deprecated=deprecated)]
    if machine.alias:
        alias = GuestMachine(name=machine.alias, canonical=machine.name, max_cpus=max_cpus, deprecated=deprecated)
        shown.append(alias)
    return shown


def _guest_features(arch: str) -> GuestFeatures:
    x86 = arch in X86
    return GuestFeatures(
        pae=arch == "i686",
        nonpae=arch == "i686",
        acpi=Toggle(default="on", toggle=True) if x86 or arch == "aarch64" else None,
        apic=Toggle(default="on", toggle=False) if x86 else None,
        cpuselection=True,
        deviceboot=True,
        disksnapshot=Toggle(default="on", toggle=False),
    )
