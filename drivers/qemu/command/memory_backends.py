# SPDX-License-Identifier: LGPL-2.1-or-later
"""The objects that memory comes from: plain, a file, huge pages, certain nodes of the host."""

from __future__ import annotations

import os
from dataclasses import dataclass

from conf.bitmap import parse_bitmap
from conf.domain.devices.memory import Memory
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import Props, props
from drivers.qemu.command.memory_sizes import KIB
from virtd.errors import Code, VirtError

_SYSTEM_PAGE_KIB = os.sysconf("SC_PAGESIZE") // KIB


_POLICIES = {"strict": "bind", "preferred": "preferred", "interleave": "interleave"}


def wants_preallocation(build: Build) -> bool:
    allocation = build.domain.memory_backing.allocation if build.domain.memory_backing else None
    return allocation is not None and allocation.mode == "immediate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What memory is asked for.

    `node` is the guest's NUMA node; None: all of the guest.  `allocated`: QEMU allocates all memory anyway.
    """

    alias: str
    kib: int
    node: int | None = None
    access: str | None = None
    discard: bool | None = None
    system: bool = False
    module: Memory | None = None
    allocated: bool = False


@dataclass(frozen=True, slots=True)
class Backend:
    """The object, whether anything but plain memory was asked for, and what allocates it on certain nodes of the host."""

    properties: Props
    special: bool
    context: Props | None = None

    @property
    def objects(self) -> list[Props]:
        """All there is to make, in this order."""
        return [self.properties] if self.context is None else [self.context, self.properties]


def make_backend(build: Build, request: Request) -> Backend:
    backing = build.domain.memory_backing
    source = backing.source.type if backing and backing.source else None
    page = huge_page(build, request)
    access = _access(build, request)
    path = request.module.source.path if request.module and request.module.source else None
    nodes, policy, own_nodes = _host_nodes(build, request)
    kind, own = _kind(build, request, source, page, path)
    preallocation = _preallocation(build, request, huge=page is not None, path=path)
    context = (
        f"tc-{request.alias}" if nodes and "prealloc" in preallocation and build.caps.has("thread-context") else None
    )
    properties = props(
        {
            "qom-type": kind,
            "id": request.alias,
            **own,
            "share": None if access is None else access == "shared",
            "x-use-canonical-path-for-ramblock-id": _canonical_path(build, request, kind),
            **preallocation,
            "reserve": _reserve(build, request),
            "size": request.kib * KIB,
            **_module_options(request.module),
            "host-nodes": nodes,
            "policy": policy,
            "prealloc-context": context,
        }
    )
    own_page = page is not None and _has_own_page(build, request)
    return Backend(
        properties,
        bool(own_page or access or path or (nodes and own_nodes) or source in ("file", "memfd")),
        {"qom-type": "thread-context", "id": context, "node-affinity": nodes} if context else None,
    )


def _access(build: Build, request: Request) -> str | None:
    """Whether other processes see the memory; it lies in a file as soon as anything is said of that."""
    backing = build.domain.memory_backing
    return request.access or (backing.access.mode if backing and backing.access else None)


def _kind(build: Build, request: Request, source: str | None, page: int | None, path: str | None) -> tuple[str, Props]:
    """The object's type and what only that type has."""
    if path is not None:
        return "memory-backend-file", {"mem-path": path}
    discard = True if _discards(build, request) else None
    if source == "memfd":
        huge = {"hugetlb": True, "hugetlbsize": page * KIB} if page is not None else {}
        return "memory-backend-memfd", huge
    if page is not None:
        return "memory-backend-file", {"mem-path": huge_page_path(build, page), "discard-data": discard}
    if source == "file" or _access(build, request) is not None:
        name = request.module.alias if request.module else request.alias
        folder = f"{build.context.memory_dir}/{_short_name(build)}/{name}"
        return "memory-backend-file", {"mem-path": folder, "discard-data": discard}
    return "memory-backend-ram", {}


def _short_name(build: Build) -> str:
    return os.path.basename(build.context.domain_dir).removeprefix("domain-")


def _discards(build: Build, request: Request) -> bool:
    if request.discard is not None:
        return request.discard
    return bool(build.domain.memory_backing and build.domain.memory_backing.discard)


def _canonical_path(build: Build, request: Request, kind: str) -> bool | None:
    known = build.caps.has("memory-backend-file.x-use-canonical-path-for-ramblock-id")
    return False if request.system and kind != "memory-backend-ram" and known else None


def _preallocation(build: Build, request: Request, *, huge: bool, path: str | None) -> Props:
    module = request.module
    if request.allocated or (module is not None and module.model == "virtio-mem"):
        return {}
    pmem = bool(module and module.source and module.source.pmem)
    wanted = huge or wants_preallocation(build) or (module is not None and module.model == "nvdimm" and not pmem)
    allocation = build.domain.memory_backing.allocation if build.domain.memory_backing else None
    threads = (allocation.threads or None) if allocation else None
    return ({"prealloc": True} if wanted else {}) | {"prealloc-threads": threads}


def _reserve(build: Build, request: Request) -> bool | None:
    """Memory that comes and goes takes no swap before it is there."""
    virtio = request.module is not None and request.module.model == "virtio-mem"
    return False if virtio and build.caps.has("memory-backend-file.reserve") else None


def _module_options(module: Memory | None) -> Props:
    if module is None or module.source is None:
        return {}
    align = module.source.alignsize
    return {
        "align": align * KIB if align else None,
        "pmem": True if module.source.pmem else None,
    }


def huge_page(build: Build, request: Request) -> int | None:
    """KiB of the huge pages to use, None for ordinary ones."""
    size = _asked_page(build, request)
    return None if size is None or size == _SYSTEM_PAGE_KIB else size


def _has_own_page(build: Build, request: Request) -> bool:
    """Whether its pages are not just those of the whole guest."""
    huge = build.domain.memory_backing.hugepages if build.domain.memory_backing else None
    if request.module is not None and request.module.source is not None and request.module.source.pagesize:
        return True
    return any(p.nodeset and request.node in parse_bitmap(p.nodeset) for p in (huge.pages if huge else ()))


def _asked_page(build: Build, request: Request) -> int | None:
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


def _first_of_all(build: Build, request: Request) -> int | None:
    """A guest without NUMA nodes is node 0."""
    huge = build.domain.memory_backing.hugepages if build.domain.memory_backing else None
    if request.node is not None or huge is None:
        return None
    return next((page.size for page in huge.pages if page.nodeset and 0 in parse_bitmap(page.nodeset)), None)


def huge_page_path(build: Build, page: int) -> str:
    mount = build.context.hugepages.get(page)
    if mount is None:
        raise VirtError(Code.INTERNAL_ERROR, f"Unable to find any usable hugetlbfs mount for {page} KiB")
    return huge_page_folder(mount, _short_name(build))


def huge_page_folder(mount: str, name: str) -> str:
    """Where a guest's huge pages are below their mount; `name` is the guest's, short."""
    return f"{mount}/libvirt/qemu/{name}"


def _host_nodes(build: Build, request: Request) -> tuple[list[int] | None, str | None, bool]:
    """The host's nodes that the memory is taken from, how, and whether that is said of this memory alone."""
    own = request.module.source.nodemask if request.module and request.module.source else None
    tune = build.domain.numatune
    memory = tune.memory if tune else None
    mode = memory.mode if memory and memory.mode else "strict"
    nodeset, alone = own, True
    if nodeset is None and tune is not None:
        node = next((n for n in tune.memnodes if n.cellid == request.node), None) if request.node is not None else None
        if node is not None:
            nodeset, mode = node.nodeset, node.mode
        elif memory is not None and memory.placement != "auto":
            nodeset, alone = memory.nodeset, False
    if nodeset is None or mode == "restrictive":
        return None, None, alone
    return sorted(parse_bitmap(nodeset)), _POLICIES[mode], alone
