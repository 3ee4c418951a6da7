# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a host can give a guest the CPU it asks for (x86)."""

from __future__ import annotations

from conf.domain.cpu import CPU
from drivers.common.cpu.cpu_map import CpuMap
from virtd.enums import CPUCompareResult
from virtd.errors import Code, From, VirtError

#: Policies under which a feature has to be there.
_WANTED = ("require", None)


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
