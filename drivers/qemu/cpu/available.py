# SPDX-License-Identifier: LGPL-2.1-or-later
"""What CPU QEMU and the host can give (x86), and whether a guest asks for more."""

from __future__ import annotations

from conf.domain.cpu import CPU
from drivers.common.cpu.compare import check_names, compare, features_with, incompatible
from drivers.common.cpu.cpu_map import CpuMap
from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.host import CpuInfo, raw_cpu


def check_cpu(cpu: CPU, caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> None:
    """Refuse what neither this host's CPU nor QEMU's best one has, if the guest asks for that.

    Blocks (reads /proc/cpuinfo).

    Raises:
        VirtError: CPU_INCOMPATIBLE; INTERNAL_ERROR, there is no such model.
    """
    if cpu.check_ != "partial" or (caps.is_x86 and not cpu_map.models):
        return
    if not caps.is_x86 or not caps.cpu_facts(virt_type).best:
        raise incompatible("unknown host CPU")
    check_names(cpu, cpu_map)
    available = available_features(caps, virt_type, cpu_map)
    if forbidden := features_with(cpu, "forbid", cpu_map) & available:
        raise incompatible(f"Host CPU provides forbidden feature '{cpu_map.ordered(forbidden)[0]}'")
    vendor = cpu_map.vendor_of(str(caps.cpu_facts(virt_type).best.get("vendor", "")))
    outcome = compare(cpu, available, vendor, cpu_map)
    if isinstance(outcome, str):
        raise incompatible(outcome)


def available_features(caps: Capabilities, virt_type: str, cpu_map: CpuMap, *, with_host: bool = True) -> set[str]:
    """What the best CPU of QEMU has and, with KVM, what the host's own has."""
    facts = caps.cpu_facts(virt_type)
    shown = {name for name, value in facts.best.items() if value is True} | facts.unmigratable
    found = {known for name in shown if (known := cpu_map.canonical(name))}
    if with_host and virt_type == "kvm":
        found |= raw_cpu(CpuInfo.read(), cpu_map).features
    return found
