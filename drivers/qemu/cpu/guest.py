# SPDX-License-Identifier: LGPL-2.1-or-later
"""The CPU that a guest with `mode='host-model'` gets."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.cpu import CPU, CPUFeature, CPUModel
from drivers.common.cpu.compare import check_names
from drivers.common.cpu.cpu_map import CpuMap
from drivers.common.cpu.decode import NamedCpu, RawCpu, decode_guest
from drivers.qemu.capabilities.arch import S390, WITH_CPU_MODELS, kvm_can_run
from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.available import check_cpu
from drivers.qemu.cpu.names import known_models, offered_models
from virtd.errors import Code, From, VirtError


def host_model(caps: Capabilities, virt_type: str, cpu_map: CpuMap, *, migratable: bool) -> NamedCpu | None:
    """The named model nearest to the best CPU that QEMU can give here; None where that cannot be told.

    Args:
        migratable: leave out what QEMU would not migrate.
    """
    facts = caps.cpu_facts(virt_type)
    if not caps.is_x86 or not facts.best or not cpu_map.models:
        return None
    present = {name for name, value in facts.best.items() if value is True}
    if not migratable:
        present |= facts.unmigratable
    known = {name for p in present if (name := cpu_map.canonical(p))}
    if not caps.has("canonical-cpu-features"):
        known -= cpu_map.by_register
    family, model = facts.best.get("family"), facts.best.get("model")
    return decode_guest(
        RawCpu(
            features=frozenset(known),
            vendor=cpu_map.vendor_of(str(facts.best.get("vendor", ""))),
            signature=(family, model) if isinstance(family, int) and isinstance(model, int) else None,
        ),
        cpu_map,
        {d.name: d.blockers or () for d in facts.models},
    )


def settle_cpu(domain: Domain, caps: Capabilities, cpu_map: CpuMap) -> None:
    """Check the CPU of a guest that is about to start and make it a named model.  Blocks.

    Raises:
        VirtError: as `check_cpu` and `expand_cpu`.
    """
    cpu = domain.cpu
    if cpu is not None and caps.arch not in WITH_CPU_MODELS:
        raise VirtError(Code.NO_SUPPORT, f"'{caps.arch}' architecture is not supported by CPU driver", source=From.CPU)
    if cpu is None or cpu.mode is None:
        return
    _check_feature_names(cpu, cpu_map)
    if not _has_mode(cpu.mode, caps, domain.type):
        raise _unsupported_mode(cpu.mode, caps, domain.type)
    if cpu.mode in ("custom", "host-model"):
        if caps.arch in S390 and cpu.match == "minimum":
            raise VirtError(Code.CONFIG_UNSUPPORTED, "match mode minimum not supported", source=From.CPU)
        check_cpu(cpu, caps, domain.type, cpu_map)
        domain.cpu = expand_cpu(caps, domain.type, cpu_map, cpu)
        if domain.cpu.model is not None:
            translate_model(domain.cpu, caps, domain.type, cpu_map)
            domain.cpu.model.fallback = "forbid"  # from here on it is this model and no other


def _check_feature_names(cpu: CPU, cpu_map: CpuMap) -> None:
    """Features go by libvirt's names only, where it has any (x86, ARM)."""
    for feature in cpu.features:
        if cpu_map.features and feature.name not in cpu_map.features:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"unknown CPU feature: {feature.name}")


def translate_model(cpu: CPU, caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> None:
    """Describe a model that QEMU lacks by the nearest one it has, if the XML allows that.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, it does not; NO_SUPPORT, INTERNAL_ERROR: there is no way to.
    """
    name = cpu.model.name if cpu.model else None
    known = known_models(caps, virt_type, cpu_map)
    if cpu.model is None or name is None or name in known or not known:
        return
    if caps.is_x86:
        check_names(cpu, cpu_map)
    if cpu.model.fallback == "forbid":
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"CPU model {name} is not supported by hypervisor")
    if not caps.is_x86:
        text = f"cannot translate CPU model {name} to a supported model"
        raise VirtError(Code.NO_SUPPORT, text, source=From.CPU)
    model = cpu_map.models[name]
    wanted = {f.name: f for f in cpu.features if f.policy in ("require", "disable")}
    required = frozenset(f.name for f in wanted.values() if f.policy == "require")
    raw = RawCpu(model.features | required, model.vendor, min(model.signatures, default=None))
    offered = offered_models(caps, virt_type, cpu_map)
    named = decode_guest(raw, cpu_map, {name: d.blockers or () for name, d in offered.items()}, cautious=True)
    if named is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"CPU model {name} is not supported by hypervisor")
    cpu.features = [wanted.pop(feature.name, feature) for feature in _as_features(named)] + list(wanted.values())
    cpu.model.name = named.model


def _has_mode(mode: str, caps: Capabilities, virt_type: str) -> bool:
    """Whether QEMU can give a CPU of this mode."""
    if mode == "host-passthrough":
        return virt_type == "kvm" and kvm_can_run(caps.host_arch, caps.arch)
    if mode == "host-model":
        return caps.is_x86 and bool(caps.cpu_facts(virt_type).best)
    return mode != "maximum" or caps.has("cpu-max")


def _unsupported_mode(mode: str, caps: Capabilities, virt_type: str) -> VirtError:
    return VirtError(
        Code.CONFIG_UNSUPPORTED,
        f"CPU mode '{mode}' for {caps.arch} {virt_type} domain on {caps.host_arch} host is not supported by hypervisor",
    )


def expand_cpu(caps: Capabilities, virt_type: str, cpu_map: CpuMap, cpu: CPU) -> CPU:
    """The CPU as a named model with its features, which is what a guest is started with.

    A CPU that is named already keeps its model; `mode='host-model'` and `match='minimum'` take the host's.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, the host's model cannot be told.
    """
    expanded = cpu.model_copy(deep=True)
    if cpu.mode == "host-model" or (caps.is_x86 and cpu.mode == "custom" and cpu.match == "minimum"):
        named = host_model(caps, virt_type, cpu_map, migratable=True)
        if named is None:
            raise _unsupported_mode("host-model", caps, virt_type)
        _take_host_model(expanded, named)
    elif caps.is_x86:
        _name_removed_features(expanded, cpu_map)
    _settle_policies(expanded, caps, virt_type, cpu_map)
    return expanded


def _as_features(named: NamedCpu) -> list[CPUFeature]:
    """How the CPU differs from its model."""
    return [
        *(CPUFeature(policy="require", name=name) for name in named.require),
        *(CPUFeature(policy="disable", name=name) for name in named.disable),
    ]


def _take_host_model(cpu: CPU, named: NamedCpu) -> None:
    """The host's model, with what the XML says of single features on top."""
    own = {feature.name: feature for feature in cpu.features} if cpu.match != "minimum" else {}
    cpu.features = [own.pop(feature.name, feature) for feature in _as_features(named)] + list(own.values())
    cpu.model = CPUModel(fallback="forbid", name=named.model, vendor_id=cpu.model.vendor_id if cpu.model else None)
    cpu.vendor = named.vendor
    cpu.mode, cpu.match = "custom", "exact"


def _name_removed_features(cpu: CPU, cpu_map: CpuMap) -> None:
    """Features that a model lost in some version of QEMU are said to be off, so that all versions agree."""
    model = cpu_map.models.get(cpu.model.name or "") if cpu.model else None
    named = {feature.name for feature in cpu.features}
    for name in model.removed if model else ():
        if name not in named:
            cpu.features.append(CPUFeature(policy="disable", name=name))


def _settle_policies(cpu: CPU, caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> None:
    """An optional feature is there if the host has it; a forbidden one is off."""
    best = caps.cpu_facts(virt_type).best
    present = {known for name, value in best.items() if value is True and (known := cpu_map.canonical(name))}
    for feature in cpu.features:
        known = cpu_map.canonical(feature.name) or feature.name
        if feature.policy == "optional":
            feature.policy = "require" if known in present else "disable"
        elif feature.policy == "forbid":
            feature.policy = "disable"
