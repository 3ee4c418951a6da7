# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a host can give a guest the CPU it asks for (x86)."""

from __future__ import annotations

from conf.domain.cpu import CPU
from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.cpu_map import CpuMap
from drivers.qemu.cpu.host import CpuInfo, raw_cpu
from virtd.enums import CPUCompareResult
from virtd.errors import Code, From, VirtError

#: Policies under which a feature has to be there.
_WANTED = ("require", None)


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


def incompatible(why: str) -> VirtError:
    """The error for a CPU that this host cannot give."""
    return VirtError(Code.CPU_INCOMPATIBLE, why, source=From.CPU)


def check_names(cpu: CPU, cpu_map: CpuMap) -> None:
    """Refuse a model that the map does not know.

    Raises:
        VirtError: INTERNAL_ERROR.
    """
    name = cpu.model.name if cpu.model else None
    if name is not None and name not in cpu_map.models:
        raise VirtError(Code.INTERNAL_ERROR, f"Unknown CPU model {name}", source=From.CPU)


def compare(cpu: CPU, available: set[str], vendor: str | None, cpu_map: CpuMap) -> int | str:
    """A `virCPUCompareResult` that is not INCOMPATIBLE, or why the CPU is that."""
    if cpu.vendor is not None and cpu.vendor != vendor:
        return f"host CPU vendor does not match required CPU vendor {cpu.vendor}"
    if forbidden := features_with(cpu, "forbid", cpu_map) & available:
        return f"Host CPU provides forbidden features: {', '.join(cpu_map.ordered(forbidden))}"
    needed = required_features(cpu, cpu_map)
    if missing := needed - available:
        return f"Host CPU does not provide required features: {', '.join(cpu_map.ordered(missing))}"
    extra = available - needed
    if extra and cpu.match == "strict":
        return f"Host CPU does not strictly match guest CPU: Extra features: {', '.join(cpu_map.ordered(extra))}"
    return CPUCompareResult.SUPERSET if extra else CPUCompareResult.IDENTICAL


def features_with(cpu: CPU, policy: str, cpu_map: CpuMap) -> set[str]:
    """The features that the XML names with this policy."""
    return {cpu_map.canonical(f.name) or f.name for f in cpu.features if f.policy == policy}


def required_features(cpu: CPU, cpu_map: CpuMap) -> set[str]:
    """The features of the model, with what the XML adds and takes away."""
    model = cpu_map.models.get(cpu.model.name or "") if cpu.model else None
    needed = set(model.features) if model else set()
    for feature in cpu.features:
        name = cpu_map.canonical(feature.name) or feature.name
        if feature.policy in _WANTED:
            needed.add(name)
        else:
            needed.discard(name)
    return needed


def available_features(caps: Capabilities, virt_type: str, cpu_map: CpuMap, *, with_host: bool = True) -> set[str]:
    """What the best CPU of QEMU has and, with KVM, what the host's own has."""
    facts = caps.cpu_facts(virt_type)
    shown = {name for name, value in facts.best.items() if value is True} | facts.unmigratable
    found = {known for name in shown if (known := cpu_map.canonical(name))}
    if with_host and virt_type == "kvm":
        found |= raw_cpu(CpuInfo.read(), cpu_map).features
    return found
