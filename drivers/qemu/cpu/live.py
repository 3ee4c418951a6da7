# SPDX-License-Identifier: LGPL-2.1-or-later
"""The CPU that a running QEMU gave its guest, which may differ from the one asked for (x86)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from conf.domain.cpu import CPU, CPUFeature
from drivers.common.cpu.compare import required_features
from drivers.common.cpu.cpu_map import CpuMap
from drivers.qemu import commands
from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.names import qemu_feature
from drivers.qemu.monitor import Monitor, QmpError
from virtd.errors import Code, VirtError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GivenFeatures:
    """Features by libvirt's names: those the guest has, and those asked for that could not be given."""

    enabled: frozenset[str]
    unavailable: frozenset[str]


def is_told(cpu: CPU | None, caps: Capabilities) -> bool:
    """Whether a guest's CPU is one whose features a client is told."""
    return caps.is_x86 and cpu is not None and cpu.mode == "custom" and cpu.model is not None


async def ask_features(
    monitor: Monitor, cpu: CPU, caps: Capabilities, virt_type: str, cpu_map: CpuMap
) -> GivenFeatures | None:
    """What QEMU made of `cpu`; None if it cannot tell.

    Reading every property of the CPU's object takes hundreds of queries; what its model expands to in
    this QEMU, less what is unavailable, is the same.

    Raises:
        VirtError: the monitor is gone or silent.
    """
    assert cpu.model is not None
    known = caps.cpu_facts(virt_type).best.keys()
    asked = {qemu_feature(caps, f.name): f.policy in ("force", "require") for f in cpu.features}
    props = {name: on for name, on in asked.items() if on or name in known}
    try:
        expanded = await commands.expand_cpu_model(monitor, cpu.model.name or "", props)
        first, *_ = await commands.query_cpus_fast(monitor)
        missing = await commands.qom_get(monitor, str(first["qom-path"]), "unavailable-features")
    except QmpError as error:
        log.warning("the CPU's features stay unknown: %s", error)
        return None
    unavailable = _canonical(missing, cpu_map)
    # some features have two names there, of which only one is called unavailable
    present = _canonical([name for name, value in expanded.items() if value is True], cpu_map)
    return GivenFeatures(present - unavailable, unavailable)


def _canonical(names: list[str], cpu_map: CpuMap) -> frozenset[str]:
    return frozenset(known for name in names if (known := cpu_map.canonical(name)))


def settle_live_cpu(cpu: CPU, given: GivenFeatures, cpu_map: CpuMap) -> CPU:
    """`cpu` with what QEMU added and left out; `check='full'` says that this is how it is.

    Raises:
        VirtError: OPERATION_FAILED: it differs, and `check='full'` asked that it must not.
    """
    wanted = required_features(cpu, cpu_map) | {f.name for f in cpu.features if f.policy == "force"}
    added = given.enabled - wanted
    removed = given.unavailable | (wanted - given.enabled)
    if cpu.check_ == "full" and (added or removed):
        raise _mismatch(cpu_map.ordered(added), cpu_map.ordered(removed))
    settled = cpu.model_copy(deep=True)
    for name in cpu_map.ordered(added | removed):
        _set_policy(settled.features, name, "disable" if name in removed else "require")
    settled.check_ = "full"
    return settled


def _set_policy(features: list[CPUFeature], name: str, policy: Literal["require", "disable"]) -> None:
    for feature in features:
        if feature.name == name:
            feature.policy = policy
            return
    features.append(CPUFeature(name=name, policy=policy))


def _mismatch(added: list[str], removed: list[str]) -> VirtError:
    parts = [f"{what} features: {','.join(names)}" for what, names in (("extra", added), ("missing", removed)) if names]
    return VirtError(Code.OPERATION_FAILED, f"guest CPU doesn't match specification: {', '.join(parts)}")
