# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<cpu>`: the guest's processor model, features, topology and NUMA nodes."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Model,
    OnOff,
    ParseOptions,
    Positive,
    Scale,
    Uint,
    YesNo,
    attr,
    child,
    child_text,
    children,
    number,
    text,
)
from conf.bitmap import Bitmap, parse_bitmap
from conf.errors import ConfigUnsupportedError, XMLError

_LOCAL_DISTANCE = 10


class CPUModel(Model):
    """`<model>`; `vendor_id` is the CPUID vendor shown to the guest."""

    fallback: Literal["allow", "forbid"] | None = attr(error=(ConfigUnsupportedError, "Invalid fallback attribute"))
    vendor_id: str | None = attr()
    name: str | None = text()

    def check(self, options: ParseOptions) -> None:
        if self.vendor_id is not None and len(self.vendor_id.encode()) != 12:
            raise XMLError("vendor_id must be exactly 12 characters long")


class CPUTopology(Model):
    """`<topology>`."""

    sockets: Positive = attr(required=True)
    dies: Positive = attr(default=1)
    cores: Positive = attr(required=True)
    threads: Positive = attr(required=True)


class CPUCache(Model):
    """`<cache>`: how the cache looks from within the guest."""

    level: Annotated[int, number(1, 3)] | None = attr(
        error=(XMLError, "invalid CPU cache level, must be in range [1,3]")
    )
    mode: Literal["emulate", "passthrough", "disable"] = attr(required=True)


class CPUMaxPhysAddr(Model):
    """`<maxphysaddr>`: bits of physical addresses."""

    mode: Literal["emulate", "passthrough"] = attr(required=True)
    bits: Uint | None = attr()


class CPUFeature(Model):
    """`<feature>`."""

    policy: Literal["force", "require", "optional", "disable", "forbid"] = attr(
        default="require", error=(ConfigUnsupportedError, "Invalid CPU feature policy")
    )
    name: str = attr(required=(XMLError, "Invalid CPU feature name"), empty_is_unset=True)


class NumaSibling(Model):
    """`<sibling>`: the distance to another node."""

    id: Uint = attr(required=True)
    value: Uint = attr(required=True)


class NumaCache(Model):
    """`<cache>`: memory-side cache of a node."""

    level: Uint | None = attr()
    associativity: Literal["none", "direct", "full"] | None = attr(
        omit="none", error=(XMLError, "Invalid cache associativity '%s'")
    )
    policy: Literal["none", "writeback", "writethrough"] = attr(
        omit="none", required=(XMLError, "Invalid cache policy '(null)'"), error=(XMLError, "Invalid cache policy '%s'")
    )
    size: int = attr("value", at="size", scale=Scale("KiB"), required=True)
    line: int = attr("value", at="line", scale=Scale("B"), required=True)


class NumaCell(Model):
    """`<cell>`: a node of the guest; memory in KiB."""

    id: Uint | None = attr()
    cpus: Bitmap | None = attr()
    memory: int = attr(scale=Scale("KiB"), required=True)
    mem_access: Literal["shared", "private"] | None = attr("memAccess")
    discard: YesNo | None = attr()
    distances: list[NumaSibling] = children("sibling", within="distances")
    caches: list[NumaCache] = children("cache")


class NumaLatency(Model):
    """`<latency>` in nanoseconds."""

    initiator: Uint = attr(required=True)
    target: Uint = attr(required=True)
    cache: Uint | None = attr(omit=0)
    type: Literal["access", "read", "write"] = attr(required=True)
    value: Uint = attr(required=True)


class NumaBandwidth(Model):
    """`<bandwidth>` in KiB a second."""

    initiator: Uint = attr(required=True)
    target: Uint = attr(required=True)
    cache: Uint | None = attr(omit=0)
    type: Literal["access", "read", "write"] = attr(required=True)
    value: int = attr(scale=Scale("KiB"), required=True)


class NumaInterconnects(Model):
    """`<interconnects>`."""

    latencies: list[NumaLatency] = children("latency")
    bandwidths: list[NumaBandwidth] = children("bandwidth")


class CPUNuma(Model):
    """`<numa>`."""

    cells: list[NumaCell] = children("cell")
    interconnects: NumaInterconnects | None = child()

    def check(self, options: ParseOptions) -> None:
        if not self.cells:
            raise XMLError("NUMA topology defined without NUMA cells")
        self._number_cells()
        for cell in self.cells:
            self._check_caches(cell)
        if self.interconnects is not None:
            self._check_interconnects(self.interconnects)
        self._check_overlaps()
        self._complete_distances()

    def _number_cells(self) -> None:
        """Cells without an id are numbered as they come; all are ordered by their ids."""
        seen: set[int] = set()
        for i, cell in enumerate(self.cells):
            if cell.id is None:
                cell.id = i
            if cell.id >= len(self.cells):
                raise XMLError(
                    "Exactly one 'cell' element per guest NUMA cell allowed, "
                    "non-contiguous ranges or ranges not starting from 0 are not allowed"
                )
            if cell.id in seen:
                raise XMLError(f"Duplicate NUMA cell info for cell id '{cell.id}'")
            seen.add(cell.id)
        self.cells.sort(key=lambda cell: cell.id or 0)

    def _check_caches(self, cell: NumaCell) -> None:
        for cache in cell.caches:
            for name in ("level", "associativity"):
                if getattr(cache, name) is None:
                    raise XMLError(f"Missing '{name}' attribute in cache element for NUMA node {cell.id}")
            if cache.level not in (1, 2, 3):
                raise XMLError("Ain't nobody heard of that much cache level")
        cell.caches.sort(key=lambda cache: cache.level or 0)

    def _check_interconnects(self, interconnects: NumaInterconnects) -> None:
        seen: set[tuple[object, ...]] = set()
        paths: list[NumaLatency | NumaBandwidth] = [*interconnects.latencies, *interconnects.bandwidths]
        for path in paths:
            for name in ("initiator", "target"):
                if getattr(path, name) >= len(self.cells):
                    raise XMLError(f"'{name}' refers to a non-existent NUMA node")
            if path.cache and path.cache not in [cache.level for cache in self.cells[path.target].caches]:
                raise XMLError("'cache' refers to a non-existent NUMA node cache")
            key = (type(path), path.initiator, path.target, path.cache, path.type)
            if key in seen:
                raise XMLError("Duplicate info for NUMA latencies")
            seen.add(key)

    def _check_overlaps(self) -> None:
        sets = [parse_bitmap(cell.cpus) if cell.cpus else set() for cell in self.cells]
        for i, cpus in enumerate(sets):
            for j in range(i):
                if cpus & sets[j]:
                    raise ConfigUnsupportedError(f"NUMA cells {i} and {j} have overlapping vCPU ids")

    def _complete_distances(self) -> None:
        """A distance said one way holds the other way too; to itself each cell has 10."""
        known: dict[tuple[int, int], int] = {}
        for cell in self.cells:
            for sibling in cell.distances:
                self._check_distance(cell, sibling)
                known[cell.id or 0, sibling.id] = sibling.value
        for (one, other), value in list(known.items()):
            known.setdefault((other, one), value)
            known[one, one] = known[other, other] = _LOCAL_DISTANCE
        for cell in self.cells:
            row = sorted((to, value) for (of, to), value in known.items() if of == cell.id)
            cell.distances = [NumaSibling(id=to, value=value) for to, value in row]

    def _check_distance(self, cell: NumaCell, sibling: NumaSibling) -> None:
        if sibling.id >= len(self.cells):
            raise XMLError(f"'sibling_id {sibling.id}' does not refer to a valid cell within NUMA 'cell id {cell.id}'")
        local = sibling.id == cell.id
        if not _LOCAL_DISTANCE <= sibling.value <= 255 or local != (sibling.value == _LOCAL_DISTANCE):
            raise XMLError(
                f"'value {sibling.value}' is invalid for 'sibling id {sibling.id}' under NUMA 'cell id {cell.id}'"
            )


class CPU(Model):
    """`<cpu>`."""

    mode: Literal["custom", "host-model", "host-passthrough", "maximum"] | None = attr(
        error=(ConfigUnsupportedError, "Invalid mode attribute '%s'")
    )
    match: Literal["minimum", "exact", "strict"] | None = attr()
    check_: Literal["default", "none", "partial", "full"] | None = attr("check", omit="default")
    migratable: OnOff | None = attr()
    model: CPUModel | None = child()
    vendor: str | None = child_text()
    topology: CPUTopology | None = child()
    cache: CPUCache | None = child(only=(XMLError, "at most one CPU cache element may be specified"))
    maxphysaddr: CPUMaxPhysAddr | None = child()
    features: list[CPUFeature] = children("feature")
    numa: CPUNuma | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.check_ == "default":
            self.check_ = None
        self._check_mode()
        self._check_model()
        names: set[str] = set()
        for feature in self.features:
            if feature.name in names:
                raise XMLError(f"CPU feature '{feature.name}' specified more than once")
            names.add(feature.name)

    def _check_mode(self) -> None:
        """Without a model, "custom" says nothing; a match is for a model only."""
        if self.mode is None or self.mode == "custom":
            has_model = self.model is not None and self.model.name is not None
            self.mode = "custom" if has_model else None
            self.match = (self.match or "exact") if has_model else None
        else:
            self.match = None
        if self.migratable is not None and self.mode not in ("host-passthrough", "maximum"):
            raise ConfigUnsupportedError(
                "Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode"
            )

    def _check_model(self) -> None:
        model = self.model
        named = model is not None and model.name is not None
        if self.vendor is not None and not named:
            raise XMLError("CPU vendor specified without CPU model")
        if self.mode is None and self.features:
            raise XMLError("Non-empty feature list specified without CPU model")
        if self.mode in ("host-passthrough", "maximum"):
            # The host decides both.
            self.model = self.vendor = None
        elif not named and self.mode != "host-model":
            self.model = None
        elif model is not None and named:
            model.fallback = model.fallback or "allow"
