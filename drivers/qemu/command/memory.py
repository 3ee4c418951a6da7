# SPDX-License-Identifier: LGPL-2.1-or-later
"""-m, memory back ends, -numa and memory modules: what the guest's memory consists of and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from conf.bitmap import parse_bitmap
from conf.domain.cpu import CPUNuma, NumaCell
from conf.domain.devices.memory import Memory
from drivers.qemu.capabilities.arch import PPC64
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from virtd.errors import Code, VirtError

_KIB = 1024
_SYSTEM_PAGE_KIB = os.sysconf("SC_PAGESIZE") // _KIB

_POLICIES = {"strict": "bind", "preferred": "preferred", "interleave": "interleave"}
_CACHE_ASSOCIATIVITY = {"none": "none", "direct": "direct", "full": "complex"}
_CACHE_POLICY = {"none": "none", "writeback": "write-back", "writethrough": "write-through"}
_HIERARCHY = ("memory", "first-level", "second-level", "third-level")


#: pSeries hands out memory in blocks of this many KiB.
_PPC64_BLOCK = 256 * _KIB
#: The most KiB that can be counted in bytes by a signed number.
_MOST = (2**63 - 1) // _KIB

#: Other machines plug in memory in blocks of this many KiB.
_MODULE_BLOCK = 2 * _KIB


def _cell_size(build: Build, number: int, cell: NumaCell) -> int:
    size = _aligned(build, cell.memory)
    if size > _MOST:
        detail = f"memory size of NUMA node '{number}' overflowed after alignment"
        raise VirtError(Code.CONFIG_UNSUPPORTED, detail)
    return size


def _aligned(build: Build, kib: int) -> int:
    """The next size that the machine can have."""
    block = _PPC64_BLOCK if build.arch in PPC64 else _KIB
    return -(-kib // block) * block


def initial_memory(build: Build) -> int:
    """KiB the guest starts with, memory modules not counted."""
    cells = _cells(build)
    if cells:
        return sum(_cell_size(build, number, cell) for number, cell in enumerate(cells))
    modules = sum(m.target.size for m in build.domain.devices.memories if m.model != "virtio-pmem")
    return _aligned(build, build.domain.memory - modules)


def _cells(build: Build) -> list[NumaCell]:
    cpu = build.domain.cpu
    return cpu.numa.cells if cpu is not None and cpu.numa is not None else []


def default_ram_id(build: Build) -> str | None:
    """The back end that is the machine's main memory; None where NUMA nodes bring their own."""
    machine = build.caps.machine(build.machine, build.domain.type)
    return machine.default_ram_id if machine is not None and not _cells(build) else None


def add_memory(build: Build, line: CommandLine) -> None:
    """-m and the back end of a machine without NUMA nodes."""
    most, kib = build.domain.max_memory, initial_memory(build)
    if most is not None and most.size:
        line.add_list("-m", ("size", f"{kib}k"), ("slots", most.slots or None), ("maxmem", f"{most.size}k"))
    else:
        line.add("-m", str(kib // _KIB))
    ram = default_ram_id(build)
    if ram is not None:
        line.add_json("-object", _backend(build, _Request(alias=ram, kib=kib, system=True)).properties)
    elif _wants_preallocation(build) and not _cells_need_backends(build):
        line.add("-mem-prealloc")


def _wants_preallocation(build: Build) -> bool:
    allocation = build.domain.memory_backing.allocation if build.domain.memory_backing else None
    return allocation is not None and allocation.mode == "immediate"


def _module_size(build: Build, module: Memory) -> int:
    """The next size that a memory module can have; pSeries' NVDIMMs were given theirs at definition."""
    if build.arch in PPC64:
        return module.target.size if module.model == "nvdimm" else _aligned(build, module.target.size)
    return -(-module.target.size // _MODULE_BLOCK) * _MODULE_BLOCK


# --- back ends --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What memory is asked for.  `node` is the guest's NUMA node; None: all of the guest."""

    alias: str
    kib: int
    node: int | None = None
    access: str | None = None
    discard: bool | None = None
    system: bool = False
    module: Memory | None = None


@dataclass(frozen=True, slots=True)
class _Backend:
    """The object, and whether anything but plain memory was asked for."""

    properties: Props
    special: bool


def _backend(build: Build, request: _Request) -> _Backend:
    backing = build.domain.memory_backing
    source = backing.source.type if backing and backing.source else None
    page = _huge_page(build, request)
    access = _access(build, request)
    path = request.module.source.path if request.module and request.module.source else None
    nodes, policy = _host_nodes(build, request)
    kind, own = _kind(build, request, source, page, path)
    properties = props(
        {
            "qom-type": kind,
            "id": request.alias,
            **own,
            "share": None if access is None else access == "shared",
            "x-use-canonical-path-for-ramblock-id": _canonical_path(build, request, kind),
            **_preallocation(build, request, huge=page is not None, path=path),
            "reserve": _reserve(build, request),
            "size": request.kib * _KIB,
            **_module_options(request.module),
            "host-nodes": nodes,
            "policy": policy,
        }
    )
    return _Backend(properties, bool(page or access or path or nodes or source in ("file", "memfd")))


def _access(build: Build, request: _Request) -> str | None:
    """Whether other processes see the memory; it lies in a file as soon as anything is said of that."""
    backing = build.domain.memory_backing
    return request.access or (backing.access.mode if backing and backing.access else None)


def _kind(build: Build, request: _Request, source: str | None, page: int | None, path: str | None) -> tuple[str, Props]:
    """The object's type and what only that type has."""
    if path is not None:
        return "memory-backend-file", {"mem-path": path}
    discard = True if _discards(build, request) else None
    if source == "memfd":
        huge = {"hugetlb": True, "hugetlbsize": page * _KIB} if page is not None else {}
        return "memory-backend-memfd", huge
    if page is not None:
        return "memory-backend-file", {"mem-path": _huge_page_path(build, page), "discard-data": discard}
    if source == "file" or _access(build, request) is not None:
        name = request.module.alias if request.module else request.alias
        folder = f"{build.context.memory_dir}/{_short_name(build)}/{name}"
        return "memory-backend-file", {"mem-path": folder, "discard-data": discard}
    return "memory-backend-ram", {}


def _short_name(build: Build) -> str:
    return os.path.basename(build.context.domain_dir).removeprefix("domain-")


def _discards(build: Build, request: _Request) -> bool:
    if request.discard is not None:
        return request.discard
    return bool(build.domain.memory_backing and build.domain.memory_backing.discard)


def _canonical_path(build: Build, request: _Request, kind: str) -> bool | None:
    known = build.caps.has("memory-backend-file.x-use-canonical-path-for-ramblock-id")
    return False if request.system and kind != "memory-backend-ram" and known else None


def _preallocation(build: Build, request: _Request, *, huge: bool, path: str | None) -> Props:
    pmem = bool(request.module and request.module.source and request.module.source.pmem)
    if request.module is not None and request.module.model in ("virtio-mem", "virtio-pmem"):
        return {}
    wanted = huge or _wants_preallocation(build) or path is not None
    if not wanted or pmem:
        return {}
    allocation = build.domain.memory_backing.allocation if build.domain.memory_backing else None
    return {"prealloc": True, "prealloc-threads": allocation.threads if allocation else None}


def _reserve(build: Build, request: _Request) -> bool | None:
    """Memory that comes and goes takes no swap before it is there."""
    virtio = request.module is not None and request.module.model == "virtio-mem"
    return False if virtio and build.caps.has("memory-backend-file.reserve") else None


def _module_options(module: Memory | None) -> Props:
    if module is None or module.source is None:
        return {}
    align = module.source.alignsize
    return {
        "align": align * _KIB if align else None,
        "pmem": True if module.source.pmem else None,
    }


def _huge_page(build: Build, request: _Request) -> int | None:
    """KiB of the huge pages to use, None for ordinary ones."""
    size = _asked_page(build, request)
    return None if size is None or size == _SYSTEM_PAGE_KIB else size


def _asked_page(build: Build, request: _Request) -> int | None:
    if request.module is not None and request.module.source is not None and request.module.source.pagesize:
        return request.module.source.pagesize
    huge = build.domain.memory_backing.hugepages if build.domain.memory_backing else None
    if huge is None or (request.module is not None and request.module.source and request.module.source.path):
        return None
    if not huge.pages:
        return build.context.default_hugepage
    for page in huge.pages:
        if page.nodeset is not None and request.node is not None and request.node in parse_bitmap(page.nodeset):
            return page.size
    return next((page.size for page in huge.pages if page.nodeset is None), None) or _first_of_all(build, request)


def _first_of_all(build: Build, request: _Request) -> int | None:
    """A guest without NUMA nodes is node 0."""
    huge = build.domain.memory_backing.hugepages if build.domain.memory_backing else None
    if request.node is not None or huge is None:
        return None
    return next((page.size for page in huge.pages if page.nodeset and 0 in parse_bitmap(page.nodeset)), None)


def _huge_page_path(build: Build, page: int) -> str:
    mount = build.context.hugepages.get(page)
    if mount is None:
        raise VirtError(Code.INTERNAL_ERROR, f"Unable to find any usable hugetlbfs mount for {page} KiB")
    return f"{mount}/libvirt/qemu/{_short_name(build)}"


def _host_nodes(build: Build, request: _Request) -> tuple[list[int] | None, str | None]:
    """The host's nodes that the memory is taken from, and how."""
    own = request.module.source.nodemask if request.module and request.module.source else None
    tune = build.domain.numatune
    memory = tune.memory if tune else None
    mode = memory.mode if memory and memory.mode else "strict"
    nodeset = own
    if nodeset is None and tune is not None:
        node = next((n for n in tune.memnodes if n.cellid == request.node), None) if request.node is not None else None
        if node is not None:
            nodeset, mode = node.nodeset, node.mode
        elif memory is not None and memory.placement != "auto":
            nodeset = memory.nodeset
    if nodeset is None or mode == "restrictive":
        return None, None
    return sorted(parse_bitmap(nodeset)), _POLICIES[mode]


# --- NUMA -------------------------------------------------------------------------------------------


def _cell_backends(build: Build) -> list[_Backend]:
    return [
        _backend(
            build,
            _Request(
                alias=f"ram-node{number}",
                kib=_aligned(build, cell.memory),
                node=number,
                access=cell.mem_access,
                discard=cell.discard,
            ),
        )
        for number, cell in enumerate(_cells(build))
    ]


def _cells_need_backends(build: Build) -> bool:
    machine = build.caps.machine(build.machine, build.domain.type)
    can_do_without = machine is not None and machine.numa_mem_supported
    return not can_do_without or any(backend.special for backend in _cell_backends(build))


def add_numa(build: Build, line: CommandLine) -> None:
    """-numa with the nodes' back ends, distances and what is known of their speed."""
    cells = _cells(build)
    if not cells:
        return
    with_backends = _cells_need_backends(build)
    hmat = bool(build.domain.cpu and build.domain.cpu.numa and build.domain.cpu.numa.interconnects)
    for number, (cell, backend) in enumerate(zip(cells, _cell_backends(build), strict=True)):
        if with_backends:
            line.add_json("-object", backend.properties)
        memory = ("memdev", f"ram-node{number}") if with_backends else ("mem", _aligned(build, cell.memory) // _KIB)
        line.add_list("-numa", "node", *_node_options(cell, number, cells if hmat else []), memory)
    _add_distances(cells, line)
    if build.domain.cpu is not None and build.domain.cpu.numa is not None:
        _add_interconnects(build.domain.cpu.numa, line)


def _node_options(cell: NumaCell, number: int, rated: list[NumaCell]) -> Iterator[tuple[str, object | None]]:
    """A node; `rated` are all nodes where their speed is told, which takes one with CPUs to start from."""
    yield "nodeid", number
    if cell.cpus:
        for part in cell.cpus.split(","):
            yield "cpus", part
    if rated:
        yield "initiator", number if cell.cpus else next((i for i, c in enumerate(rated) if c.cpus), 0)


def _add_distances(cells: list[NumaCell], line: CommandLine) -> None:
    for number, cell in enumerate(cells):
        for sibling in cell.distances:
            line.add_list("-numa", "dist", ("src", number), ("dst", sibling.id), ("val", sibling.value))


def _add_interconnects(numa: CPUNuma, line: CommandLine) -> None:
    between = numa.interconnects
    if between is None:
        return
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


def _lb(initiator: int, target: int, cache: int | None, data: str) -> list[tuple[str, object | None]]:
    return [
        ("initiator", initiator),
        ("target", target),
        ("hierarchy", _HIERARCHY[cache or 0]),
        ("data-type", data),
    ]


# --- modules ----------------------------------------------------------------------------------------

_MODULE_DRIVERS = {
    "dimm": "pc-dimm",
    "nvdimm": "nvdimm",
    "virtio-pmem": "virtio-pmem-pci",
    "virtio-mem": "virtio-mem-pci",
}


def module_backend(build: Build, module: Memory) -> Props:
    """The object that backs a memory module."""
    return _backend(
        build,
        _Request(
            alias=f"mem{module.alias}",
            kib=_module_size(build, module),
            node=module.target.node,
            access=module.access,
            discard=module.discard,
            module=module,
        ),
    ).properties


def module_props(build: Build, module: Memory) -> Props:
    """-device of a memory module."""
    target = module.target
    label = target.label.size if target.label else None
    virtio = module.model == "virtio-mem"
    return props(
        {
            "driver": _MODULE_DRIVERS[module.model],
            "node": target.node,
            "label-size": label * _KIB if label else None,
            "block-size": target.block * _KIB if virtio and target.block else None,
            "requested-size": (target.requested or 0) * _KIB if virtio else None,
            "uuid": module.uuid,
            "unarmed": True if target.readonly and module.model == "nvdimm" else None,
            "memdev": f"mem{module.alias}",
            "prealloc": True
            if virtio and build.caps.has("virtio-mem-pci.prealloc") and _wants_preallocation(build)
            else None,
            "id": module.alias,
            **address_props(build, module),
        }
    )


def add_modules(build: Build, line: CommandLine) -> None:
    """Memory modules that are there from the start."""
    for module in build.domain.devices.memories:
        if module.model == "sgx-epc":
            continue
        line.add_json("-object", module_backend(build, module))
        add_device(line, module, module_props(build, module))
