# SPDX-License-Identifier: LGPL-2.1-or-later
"""-numa: the nodes of a guest, their memory, and how far apart they are."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain import Domain
from conf.domain.numa import CPUNuma, NumaCell, NumaInterconnects
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Option
from drivers.qemu.command.memory_backends import Backend, Request, make_backend
from drivers.qemu.command.memory_sizes import KIB, aligned, cells_of

_CACHE_ASSOCIATIVITY = {"none": "none", "direct": "direct", "full": "complex"}


_CACHE_POLICY = {"none": "none", "writeback": "write-back", "writethrough": "write-through"}


_HIERARCHY = ("memory", "first-level", "second-level", "third-level")


def _cell_backends(build: Build) -> list[Backend]:
    return [
        make_backend(
            build,
            Request(
                alias=f"ram-node{number}",
                kib=aligned(build, cell.memory),
                node=number,
                access=cell.mem_access,
                discard=cell.discard,
            ),
        )
        for number, cell in enumerate(cells_of(build))
    ]


def tells_speed(domain: Domain) -> bool:
    """Whether the guest is told how fast its nodes' memory is."""
    numa = domain.cpu.numa if domain.cpu else None
    if numa is None:
        return False
    between = numa.interconnects
    return bool(between and (between.latencies or between.bandwidths)) or any(cell.caches for cell in numa.cells)


def cells_need_backends(build: Build) -> bool:
    machine = build.caps.machine(build.machine, build.domain.type)
    if tells_speed(build.domain):
        return True
    can_do_without = machine is not None and machine.numa_mem_supported
    return not can_do_without or any(backend.special for backend in _cell_backends(build))


def add_numa(build: Build, line: CommandLine) -> None:
    """-numa with the nodes' back ends, distances and what is known of their speed."""
    cells = cells_of(build)
    if not cells:
        return
    with_backends = cells_need_backends(build)
    hmat = tells_speed(build.domain)
    for number, (cell, backend) in enumerate(zip(cells, _cell_backends(build), strict=True)):
        if with_backends:
            line.add_objects(backend.objects)
        memory = ("memdev", f"ram-node{number}") if with_backends else ("mem", aligned(build, cell.memory) // KIB)
        line.add_list("-numa", "node", *_node_options(cell, number, cells if hmat else []), memory)
    _add_distances(cells, line)
    if build.domain.cpu is not None and build.domain.cpu.numa is not None:
        _add_interconnects(build.domain.cpu.numa, line)


def _node_options(cell: NumaCell, number: int, rated: list[NumaCell]) -> Iterator[Option]:
    """A node; `rated` are all nodes where their speed is told, which takes one with CPUs to start from."""
    yield "nodeid", number
    if cell.cpus:
        for part in cell.cpus.split(","):
            yield "cpus", part
    if rated:
        yield "initiator", number if cell.cpus else next((i for i, c in enumerate(rated) if c.cpus), 0)


def _add_distances(cells: list[NumaCell], line: CommandLine) -> None:
    for number, cell in enumerate(cells):
        for sibling in cell.siblings:
            line.add_list("-numa", "dist", ("src", number), ("dst", sibling.id), ("val", sibling.value))


def _add_interconnects(numa: CPUNuma, line: CommandLine) -> None:
    between = numa.interconnects or NumaInterconnects()
    for latency in between.latencies:
        line.add_list("-numa", "hmat-lb", *_lb(latency.initiator, latency.target, latency.cache, f"{latency.type}-latency"),
                      ("latency", latency.value))  # fmt: skip
    for width in between.bandwidths:
        line.add_list("-numa", "hmat-lb", *_lb(width.initiator, width.target, width.cache, f"{width.type}-bandwidth"),
                      ("bandwidth", f"{width.value}K"))  # fmt: skip
    for number, cell in enumerate(numa.cells):
        for cache in cell.caches:
            line.add_list(
                "-numa",
                "hmat-cache",
                ("node-id", number),
                ("size", f"{cache.size}K"),
                ("level", cache.level),
                ("associativity", _CACHE_ASSOCIATIVITY[cache.associativity] if cache.associativity else None),
                ("policy", _CACHE_POLICY[cache.policy]),
                ("line", cache.line),
            )


def _lb(initiator: int, target: int, cache: int | None, data: str) -> list[Option]:
    return [
        ("initiator", initiator),
        ("target", target),
        ("hierarchy", _HIERARCHY[cache or 0]),
        ("data-type", data),
    ]
