# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding the named model that a set of CPU features comes nearest to (x86)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from drivers.common.cpu.cpu_map import CpuMap, CpuModel

#: So many added features are better than a lost one.  libvirt weighs them in a similar way.
_LOSS = 3


@dataclass(frozen=True, slots=True)
class RawCpu:
    """A CPU as its features tell it.  `signature` is (family, model)."""

    features: frozenset[str]
    vendor: str | None = None
    signature: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NamedCpu:
    """A model and how a CPU differs from it; both lists in the map's order."""

    model: str
    vendor: str | None
    require: tuple[str, ...]
    disable: tuple[str, ...] = ()

    def cost(self, *, cautious: bool) -> int:
        """The number of differences; to the cautious a disabled feature weighs more than an added one."""
        return len(self.require) + len(self.disable) * (_LOSS if cautious else 1)


def decode_host(cpu: RawCpu, cpu_map: CpuMap, preferred: str | None = None) -> NamedCpu | None:
    """The best model (or the `preferred` one) the host has all features of; None where even the oldest has too many."""
    candidates = ((model, _describe(cpu, model, cpu_map)) for model in _matching(cpu, cpu_map) if model.decode_host)
    return _best(cpu, ((model, named) for model, named in candidates if not named.disable), preferred)


def decode_guest(
    cpu: RawCpu,
    cpu_map: CpuMap,
    blockers: Mapping[str, Collection[str]],
    preferred: str | None = None,
    *,
    cautious: bool = False,
) -> NamedCpu | None:
    """The best model (or the `preferred` one) for a guest that is to have these features.

    Args:
        blockers: model that QEMU knows → features of it that this host cannot give; other models are not considered.
        cautious: rather an older model with more added than one that lacks much of what its guests count on.
    """
    return _best(
        cpu,
        (
            (model, _describe(cpu, model, cpu_map, blockers[model.name]))
            for model in _matching(cpu, cpu_map)
            if model.decode_guest and model.name in blockers
        ),
        preferred,
        cautious=cautious,
    )


def _matching(cpu: RawCpu, cpu_map: CpuMap) -> Iterable[CpuModel]:
    """Newest models first; those of other vendors are not considered, where the vendor is known."""
    for model in reversed(cpu_map.models.values()):
        if cpu.vendor is None or model.vendor in (None, cpu.vendor):
            yield model


def _describe(cpu: RawCpu, model: CpuModel, cpu_map: CpuMap, blockers: Collection[str] = ()) -> NamedCpu:
    known = cpu.features & cpu_map.features.keys()
    blocked = {name for b in blockers if (name := cpu_map.canonical(b))}
    disable = (model.features - known) | blocked
    explicit = [name for name in model.removed if blockers and name not in known]
    return NamedCpu(
        model=model.name,
        vendor=cpu.vendor,
        require=tuple(cpu_map.ordered(known - model.features - blocked)),
        disable=(*cpu_map.ordered(disable), *(name for name in explicit if name not in disable)),
    )


def _best(
    cpu: RawCpu, candidates: Iterable[tuple[CpuModel, NamedCpu]], preferred: str | None, *, cautious: bool = False
) -> NamedCpu | None:
    """Fewest differences win; once a model of the very same signature turned up, only such ones count."""
    best: NamedCpu | None = None
    exact = False
    for model, named in candidates:
        if model.name == preferred:
            return named
        same = cpu.signature in model.signatures
        better = best is None or (named.cost(cautious=cautious) < best.cost(cautious=cautious))
        if (same and not exact) or (same == exact and better):
            best, exact = named, same
    return best
