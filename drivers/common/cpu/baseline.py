# SPDX-License-Identifier: LGPL-2.1-or-later
"""The richest CPU that several hosts can all give (x86)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from conf.domain.cpu import CPU, CPUFeature, CPUModel
from drivers.common.cpu.compare import check_names, required_features
from drivers.common.cpu.cpu_map import CpuMap
from drivers.common.cpu.decode import NamedCpu, RawCpu, decode_guest, decode_host
from drivers.common.cpu.given import GivenCpu, check_features
from virtd.errors import Code, From, VirtError

#: Features of hosts that say nothing of a guest.
_NOT_OF_THE_GUEST = frozenset({"cmt", "mbm_total", "mbm_local", "osxsave", "ospke"})


def baseline(
    given: Sequence[GivenCpu],
    cpu_map: CpuMap,
    *,
    blockers: Mapping[str, Collection[str]] | None,
    expand: bool,
    without: Collection[str] = (),
) -> CPU:
    """A CPU with what all of them have.

    Args:
        blockers: models a hypervisor knows → what it cannot give of them; None: any model of the map will do.
        expand: name all features, the model's own too.
        without: features to leave out whoever has them.

    Raises:
        VirtError: they have no CPU in common.
    """
    for one in given:
        check_names(one.cpu, cpu_map)
        check_features(one.cpu, cpu_map)
    vendor = _common_vendor(given)
    features = set.intersection(*(required_features(one.cpu, cpu_map) for one in given))
    features -= _NOT_OF_THE_GUEST | set(without)
    raw = RawCpu(frozenset(features), vendor)
    models = {one.model for one in given}
    preferred = models.pop() if len(models) == 1 else None
    if blockers is None:
        named = decode_host(raw, cpu_map, preferred)
    else:
        named = decode_guest(raw, cpu_map, blockers, preferred)
    if named is None:
        raise VirtError(Code.OPERATION_FAILED, "CPUs are incompatible", source=From.CPU)
    # A model that the hypervisor was asked about, or that all of them name, is meant as it is.
    fixed = blockers is not None or preferred == named.model
    with_vendor = all(one.cpu.vendor for one in given)
    return _as_cpu(named, cpu_map, expand=expand, fixed=fixed, vendor=vendor if with_vendor else None)


def _common_vendor(given: Sequence[GivenCpu]) -> str | None:
    vendors = {one.cpu.vendor for one in given if one.cpu.vendor}
    if len(vendors) > 1:
        raise VirtError(Code.OPERATION_FAILED, "CPU vendors do not match", source=From.CPU)
    return next(iter(vendors), None)


def _as_cpu(named: NamedCpu, cpu_map: CpuMap, *, expand: bool, fixed: bool, vendor: str | None) -> CPU:
    require, disable = list(named.require), list(named.disable)
    if expand:
        require = sorted({*require, *cpu_map.models[named.model].features} - set(disable))
    features = [CPUFeature(policy="require", name=name) for name in require]
    features += [CPUFeature(policy="disable", name=name) for name in disable]
    if expand:
        features.sort(key=lambda feature: feature.name)
    return CPU(
        mode="custom",
        match="exact",
        model=CPUModel(fallback="forbid" if fixed else "allow", name=named.model),
        vendor=vendor,
        features=features,
    )
