# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's processors and memory, as the kernel tells of them.

`Node` reads /proc and /sys each time it is asked; all of these are small files that the kernel makes on
the spot.  Another root is for tests.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

#: Bytes of an ordinary page.
PAGE_SIZE = os.sysconf("SC_PAGESIZE")

#: Columns of a processor's line in /proc/stat that make up each figure.
_CPU_TIMES = {"kernel": (2, 5, 6), "user": (0, 1), "idle": (3,), "iowait": (4,)}

#: Figure → line of /proc/meminfo and of a cell's meminfo.
_MEMORY = {"total": "MemTotal", "free": "MemFree", "buffers": "Buffers", "cached": "Cached"}


class NodeInfo(NamedTuple):
    """`virNodeInfo`; memory in KiB.  Sockets are counted a cell, cores a socket, threads a core."""

    model: str
    memory: int
    cpus: int
    mhz: int
    nodes: int
    sockets: int
    cores: int
    threads: int


class Node:
    """This host."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc"
        self._system = root / "sys/devices/system"
        self._mm = root / "sys/kernel/mm"

    # processors

    def present_cpus(self) -> list[int]:
        """The numbers of all processors."""
        return parse_ranges(read_text(self._system / "cpu/present") or "")

    def online_cpus(self) -> list[int]:
        """The numbers of the processors that are switched on."""
        return parse_ranges(read_text(self._system / "cpu/online") or "")

    def cpu_times(self, cpu: int | None) -> list[tuple[str, int]] | None:
        """Nanoseconds that one processor, or all together, spent in each way; None: it is not there, or off."""
        wanted = "cpu" if cpu is None else f"cpu{cpu}"
        tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        for line in (read_text(self._proc / "stat") or "").splitlines():
            name, *ticks = line.split()
            if name == wanted:
                return [(f, sum(int(ticks[c]) for c in columns) * tick) for f, columns in _CPU_TIMES.items()]
        return None

    def info(self) -> NodeInfo:
        """`virNodeGetInfo`."""
        online = self.online_cpus()
        places = [self._place(cpu) for cpu in online]
        sockets = {place[:2] for place in places}
        cores = {place[:3] for place in places}
        shape = (
            len(self.cells()),
            _most(sockets, 1),
            _most(cores, 2),
            _most(set(places), 3),
        )
        if math.prod(shape) < len(online):  # cells of different shape: do not say less than there is
            shape = (1, 1, len(online), 1)
        return NodeInfo(os.uname().machine, self.memory(), len(online), self._mhz(), *shape)

    def _place(self, cpu: int) -> tuple[int, int, int, int]:
        """Cell, socket, core and number of a processor."""
        cell = next((c for c in self.cells() if cpu in parse_ranges(read_text(self._cell(c) / "cpulist") or "")), 0)
        topology = self._system / f"cpu/cpu{cpu}/topology"
        return cell, read_int(topology / "physical_package_id") or 0, read_int(topology / "core_id") or 0, cpu

    def _mhz(self) -> int:
        """The clock of the first processor, 0 where the kernel does not tell."""
        for line in (read_text(self._proc / "cpuinfo") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "cpu MHz":
                return int(float(value))
        return 0

    # memory

    def memory(self) -> int:
        """All memory, in KiB."""
        cells = self._sum_of_cells("total")
        return os.sysconf("SC_PHYS_PAGES") * PAGE_SIZE // 1024 if cells is None else cells

    def free_memory(self) -> int:
        """Memory that nobody uses, in bytes."""
        cells = self._sum_of_cells("free")
        return os.sysconf("SC_AVPHYS_PAGES") * PAGE_SIZE if cells is None else cells * 1024

    def _sum_of_cells(self, figure: str) -> int | None:
        """Of all cells together, in KiB; None where the kernel tells of no cells."""
        figures = [dict(self.memory_stats(cell)).get(figure) for cell in self.cells()]
        return sum(f for f in figures if f is not None) if any(figures) else None

    def memory_stats(self, cell: int | None) -> list[tuple[str, int]]:
        """KiB of each kind, of a cell or of the host; a cell tells of fewer kinds."""
        lines = read_text(self._proc / "meminfo" if cell is None else self._cell(cell) / "meminfo") or ""
        words = [line.removeprefix(f"Node {cell} ").split() for line in lines.splitlines()]
        found = {w[0].rstrip(":"): int(w[1]) for w in words if len(w) > 1}
        return [(figure, found[name]) for figure, name in _MEMORY.items() if name in found]

    def cells(self) -> list[int]:
        """The numbers of the NUMA cells; a host without has one."""
        return parse_ranges(read_text(self._system / "node/online") or "0")

    def cell_free_memory(self, cell: int) -> int:
        """Free memory of a cell, in bytes."""
        free = dict(self.memory_stats(cell)).get("free")
        return self.free_memory() if free is None else free * 1024

    def free_pages(self, size: int, cell: int | None) -> int | None:
        """Free pages of `size` KiB, of a cell or of the host; None: there are none of this size."""
        if size * 1024 == PAGE_SIZE:
            free = self.free_memory() if cell is None else self.cell_free_memory(cell)
            return free // PAGE_SIZE
        return read_int(self._pool(size, cell) / "free_hugepages")

    def huge_pages(self, size: int, cell: int | None) -> int | None:
        """How many huge pages of `size` KiB a cell, or the host, sets apart; None: there are none of this size."""
        return read_int(self._pool(size, cell) / "nr_hugepages")

    def set_huge_pages(self, size: int, cell: int | None, count: int) -> None:
        """Set so many apart; the kernel may find fewer.

        Raises:
            OSError: not allowed.
        """
        (self._pool(size, cell) / "nr_hugepages").write_text(str(count))

    def _pool(self, size: int, cell: int | None) -> Path:
        folder = self._mm if cell is None else self._cell(cell)
        return folder / f"hugepages/hugepages-{size}kB"

    def _cell(self, cell: int) -> Path:
        return self._system / f"node/node{cell}"

    # merging of equal pages

    def ksm(self, name: str) -> int | None:
        """A number under /sys/kernel/mm/ksm; None: this kernel does not have it."""
        return read_int(self._mm / "ksm" / name)

    def set_ksm(self, name: str, value: int) -> None:
        """Change one.

        Raises:
            OSError: not allowed, or not a value for it.
        """
        (self._mm / "ksm" / name).write_text(str(value))


def parse_ranges(text: str) -> list[int]:
    """The numbers in "0-3,8"."""
    numbers: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


def _most(places: AbstractSet[tuple[int, ...]], depth: int) -> int:
    """The largest number of places that agree in their first `depth` parts."""
    return max(Counter(place[:depth] for place in places).values(), default=1)


def read_text(path: Path) -> str | None:
    """A small file's content, None where it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return None


def read_int(path: Path) -> int | None:
    """A small file's number, None where there is none."""
    try:
        return int(read_text(path) or "")
    except ValueError:
        return None
