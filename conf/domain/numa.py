# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<numa>` of `<cpu>`: the guest's nodes, how far they are from each other, their caches and connections."""

from __future__ import annotations

from typing import Literal

from conf.binding import MEMORY, Model, ParseOptions, Scale, Uint, Ulong, YesNo, attr, child, children
from conf.bitmap import Bitmap, parse_bitmap
from conf.errors import ConfigUnsupportedError, XMLError

_LOCAL_DISTANCE = 10


class NumaSibling(Model):
    """`<sibling>`: the distance to another node."""

    id: Uint = attr(required=True)
    value: Uint = attr(required=True)


class NumaDistances(Model):
    """`<distances>`."""

    siblings: list[NumaSibling] = children("sibling")

    def check(self, options: ParseOptions) -> None:
        if not self.siblings:
            raise XMLError("NUMA distances defined without siblings")


class NumaCache(Model):
    """`<cache>`: memory-side cache of a node; its size in KiB, that of a line in bytes."""

    level: Uint | None = attr()
    associativity: Literal["none", "direct", "full"] | None = attr(
        omit="none", error=(XMLError, "Invalid cache associativity '%s'")
    )
    policy: Literal["none", "writeback", "writethrough"] = attr(
        omit="none", required=(XMLError, "Invalid cache policy '(null)'"), error=(XMLError, "Invalid cache policy '%s'")
    )
    # libvirt writes units, but does not look at those it reads.
    size: Ulong = attr("value", at="size", required=True)
    size_unit: str | None = attr("unit", at="size", shown=lambda *_: "KiB")
    line: Ulong = attr("value", at="line", required=True)
    line_unit: str | None = attr("unit", at="line", shown=lambda *_: "B")


class NumaCell(Model):
    """`<cell>`: a node of the guest; memory in KiB."""

    id: Uint | None = attr()
    cpus: Bitmap | None = attr()
    memory: int = attr(scale=MEMORY, required=True)
    mem_access: Literal["shared", "private"] | None = attr("memAccess")
    discard: YesNo | None = attr()
    distances: NumaDistances | None = child()
    caches: list[NumaCache] = children("cache")

    @property
    def siblings(self) -> list[NumaSibling]:
        """The distances to other nodes."""
        return self.distances.siblings if self.distances else []


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
        levels = [cache.level for cache in cell.caches]
        for i, level in enumerate(levels):
            if level in levels[:i]:
                raise XMLError(f"Cache level '{level}' already defined")
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
        owner: dict[int, int] = {}
        for i, cell in enumerate(self.cells):
            cpus = parse_bitmap(cell.cpus) if cell.cpus else set()
            shared = cpus & owner.keys()
            if shared:
                raise ConfigUnsupportedError(f"NUMA cells {i} and {owner[min(shared)]} have overlapping vCPU ids")
            owner.update(dict.fromkeys(cpus, i))

    def _complete_distances(self) -> None:
        """A distance said one way holds the other way too; to itself each cell has 10."""
        known: dict[tuple[int, int], int] = {}
        backwards: dict[tuple[int, int], int] = {}
        for cell in self.cells:
            number = cell.id or 0
            for sibling in cell.siblings:
                self._check_distance(cell, sibling)
                known[number, sibling.id] = sibling.value
                backwards.setdefault((sibling.id, number), sibling.value)
        for (one, other), value in backwards.items():
            known.setdefault((one, other), value)
            known[one, one] = known[other, other] = _LOCAL_DISTANCE
        for cell in self.cells:
            row = sorted((to, value) for (of, to), value in known.items() if of == cell.id)
            siblings = [NumaSibling(id=to, value=value) for to, value in row]
            cell.distances = NumaDistances(siblings=siblings) if siblings else None

    def _check_distance(self, cell: NumaCell, sibling: NumaSibling) -> None:
        if sibling.id >= len(self.cells):
            raise XMLError(f"'sibling_id {sibling.id}' does not refer to a valid cell within NUMA 'cell id {cell.id}'")
        local = sibling.id == cell.id
        if not _LOCAL_DISTANCE <= sibling.value <= 255 or local != (sibling.value == _LOCAL_DISTANCE):
            raise XMLError(
                f"'value {sibling.value}' is invalid for 'sibling id {sibling.id}' under NUMA 'cell id {cell.id}'"
            )
