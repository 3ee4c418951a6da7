# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a host can give a guest the CPU it asks for (x86)."""

from __future__ import annotations

from conf.domain.cpu import CPU
from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.cpu_map import CpuMap
from drivers.qemu.cpu.host import CpuInfo, raw_cpu
from virtd.errors import Code, From, VirtError

#: Policies under which a feature has to be there.
_WANTED = ("require", None)


def check_cpu(cpu: CPU, caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> None:
    """Refuse what neither this host's CPU nor QEMU's best one has.  Blocks (reads /proc/cpuinfo).

    Raises:
        VirtError: CPU_INCOMPATIBLE; INTERNAL_ERROR, there is no such model.
    """
    if not caps.is_x86 or cpu.mode not in (None, "custom") or not cpu_map.models:
        return
    name = cpu.model.name if cpu.model else None
    if name is not None and name not in cpu_map.models:
        raise VirtError(Code.INTERNAL_ERROR, f"Unknown CPU model {name}", source=From.CPU)
    if cpu.check_ == "partial" and not _is_known_to_run(cpu, caps, virt_type):
        _compare(cpu, available_features(caps, virt_type, cpu_map), caps, virt_type, cpu_map)


def _compare(cpu: CPU, available: set[str], caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> None:
    vendor = cpu_map.vendor_of(str(caps.cpu_facts(virt_type).best.get("vendor", "")))
    if cpu.vendor is not None and cpu.vendor != vendor:
        raise _incompatible(f"host CPU vendor does not match required CPU vendor {cpu.vendor}")
    for feature in cpu.features:
        if feature.policy == "forbid" and (cpu_map.canonical(feature.name) or feature.name) in available:
            raise _incompatible(f"Host CPU provides forbidden feature '{feature.name}'")
    needed = required_features(cpu, cpu_map)
    if missing := needed - available:
        raise _incompatible(f"Host CPU does not provide required features: {', '.join(cpu_map.ordered(missing))}")
    if cpu.match == "strict" and (extra := available - needed):
        names = ", ".join(cpu_map.ordered(extra))
        raise _incompatible(f"Host CPU does not strictly match guest CPU: Extra features: {names}")


def _incompatible(why: str) -> VirtError:
    return VirtError(Code.CPU_INCOMPATIBLE, why, source=From.CPU)


def _is_known_to_run(cpu: CPU, caps: Capabilities, virt_type: str) -> bool:
    """QEMU itself says of a plain model whether it can be had."""
    if cpu.features or cpu.vendor or cpu.model is None or cpu.match == "strict":
        return False
    return any(m.name == cpu.model.name and m.blockers == () for m in caps.cpu_facts(virt_type).models)


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


def available_features(caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> set[str]:
    """What the best CPU of QEMU has and what the host's own has."""
    facts = caps.cpu_facts(virt_type)
    shown = {name for name, value in facts.best.items() if value is True} | facts.unmigratable
    found = {known for name in shown if (known := cpu_map.canonical(name))}
    return found | raw_cpu(CpuInfo.read(), cpu_map).features if virt_type == "kvm" else found
