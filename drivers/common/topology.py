# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPUs, caches and memory of the host, as sysfs tells.  Everything here blocks (many small files)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conf.capabilities import (
    CacheBank,
    Cell,
    CellCpu,
    CellCpus,
    CellPages,
    Cells,
    CpuTopology,
    Sibling,
    Topology,
)
from virtd.host.node import parse_ranges, read_int, read_text

SYSTEM = Path("/sys/devices/system")
HUGEPAGES = Path("/sys/kernel/mm/hugepages")

#: Only the cache that cores share is told of.
_CACHE_LEVEL = 3
_CACHE_TYPES = {"Unified": "both", "Instruction": "code", "Data": "data"}


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor that is switched on, and where it sits."""

    id: int
    socket: int
    die: int
    core: int
    siblings: str


def read_cpus(system: Path = SYSTEM) -> list[Cpu]:
    """The processors that are switched on."""
    online = parse_ranges(read_text(system / "cpu/online") or "")
    return [_cpu(system / f"cpu/cpu{number}/topology", number) for number in online]


def _cpu(folder: Path, number: int) -> Cpu:
    return Cpu(
        id=number,
        socket=max(read_int(folder / "physical_package_id") or 0, 0),
        die=max(read_int(folder / "die_id") or 0, 0),
        core=read_int(folder / "core_id") or 0,
        siblings=read_text(folder / "thread_siblings_list") or str(number),
    )


def cpu_topology(cpus: list[Cpu]) -> CpuTopology:
    """How many sockets, dies a socket, cores a die, threads a core."""
    sockets = {c.socket for c in cpus}
    dies = {(c.socket, c.die) for c in cpus}
    cores = {(c.socket, c.die, c.core) for c in cpus}
    return CpuTopology(
        sockets=len(sockets) or 1,
        dies=len(dies) // (len(sockets) or 1) or 1,
        cores=len(cores) // (len(dies) or 1) or 1,
        threads=len(cpus) // (len(cores) or 1) or 1,
    )


def page_sizes(hugepages: Path = HUGEPAGES) -> list[int]:
    """All page sizes in KiB, smallest first."""
    try:
        huge = [int(n.removeprefix("hugepages-").removesuffix("kB")) for n in os.listdir(hugepages)]
    except OSError:
        huge = []
    return [os.sysconf("SC_PAGESIZE") // 1024, *sorted(huge)]


def numa_topology(cpus: list[Cpu], sizes: list[int], system: Path = SYSTEM) -> Topology:
    """The NUMA cells; a host that tells of none is one."""
    numbers = parse_ranges(read_text(system / "node/online") or "0")
    cells = [_cell(system / "node", number, cpus, sizes) for number in numbers]
    return Topology(cells=Cells(num=len(cells), cells=cells))


def _cell(nodes: Path, number: int, cpus: list[Cpu], sizes: list[int]) -> Cell:
    node = nodes / f"node{number}"
    members = read_text(node / "cpulist")
    inside = set(parse_ranges(members)) if members is not None else {c.id for c in cpus}
    own = [c for c in cpus if c.id in inside]
    memory = _memory(node)
    return Cell(
        id=number,
        memory_unit="KiB" if memory is not None else None,
        memory=memory,
        pages=list(_pages(node, memory, sizes)),
        distances=_distances(nodes, node),
        cpus=CellCpus(
            num=len(own),
            cpus=[CellCpu(id=c.id, socket_id=c.socket, die_id=c.die, core_id=c.core, siblings=c.siblings) for c in own],
        ),
    )


def _memory(node: Path) -> int | None:
    """KiB of a node, or of the host where there are no nodes."""
    text = read_text(node / "meminfo") or read_text(Path("/proc/meminfo")) or ""
    for line in text.splitlines():
        if "MemTotal:" in line:
            return int(line.split()[-2])
    return None


def _pages(node: Path, memory: int | None, sizes: list[int]) -> Iterator[CellPages]:
    """Pages of each size; the small ones are what the huge ones leave."""
    huge = {
        size: read_int(node / f"hugepages/hugepages-{size}kB/nr_hugepages")
        or (read_int(HUGEPAGES / f"hugepages-{size}kB/nr_hugepages") if not node.exists() else 0)
        or 0
        for size in sizes[1:]
    }
    if memory is not None:
        rest = memory - sum(size * count for size, count in huge.items())
        yield CellPages(size=sizes[0], count=rest // sizes[0])
    for size, count in huge.items():
        yield CellPages(size=size, count=count)


def _distances(nodes: Path, node: Path) -> list[Sibling]:
    values = (read_text(node / "distance") or "").split()
    online = parse_ranges(read_text(nodes / "online") or "")
    return [Sibling(id=n, value=int(v)) for n, v in zip(online, values, strict=False)]


def cache_banks(cpus: list[Cpu], system: Path = SYSTEM) -> list[CacheBank]:
    """The shared caches, each once."""
    banks: dict[tuple[int, str], CacheBank] = {}
    for cpu in cpus:
        for index in sorted((system / f"cpu/cpu{cpu.id}/cache").glob("index*")):
            bank = _cache_bank(index)
            if bank is not None:
                banks.setdefault((bank.id, bank.type), bank)
    return [banks[key] for key in sorted(banks)]


def _cache_bank(index: Path) -> CacheBank | None:
    size, kind, number = read_text(index / "size"), read_text(index / "type"), read_int(index / "id")
    if read_int(index / "level") != _CACHE_LEVEL or not size or kind not in _CACHE_TYPES or number is None:
        return None
    kib = int(size.removesuffix("K"))
    whole_mib = kib % 1024 == 0
    return CacheBank(
        id=number,
        level=_CACHE_LEVEL,
        type=_CACHE_TYPES[kind],
        size=kib // 1024 if whole_mib else kib,
        unit="MiB" if whole_mib else "KiB",
        cpus=read_text(index / "shared_cpu_list") or "",
    )
