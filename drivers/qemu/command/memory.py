# SPDX-License-Identifier: LGPL-2.1-or-later
"""-m and memory modules: what the guest's memory consists of."""

from __future__ import annotations

from conf.domain.devices.memory import Memory
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, props
from drivers.qemu.command.memory_backends import (
    Request,
    huge_page,
    huge_page_path,
    make_backend,
    wants_preallocation,
)
from drivers.qemu.command.memory_sizes import KIB, aligned, cells_of, initial_memory, module_size
from drivers.qemu.command.numa import cells_need_backends
from virtd.errors import Code, VirtError


def default_ram_id(build: Build) -> str | None:
    """The back end that is the machine's main memory; None where NUMA nodes bring their own."""
    machine = build.caps.machine(build.machine, build.domain.type)
    return machine.default_ram_id if machine is not None and not cells_of(build) else None


def add_memory(build: Build, line: CommandLine) -> None:
    """-m and the back end of a machine without NUMA nodes."""
    most, kib = build.domain.max_memory, initial_memory(build)
    if most is not None and most.size:
        line.add_list(
            "-m", ("size", f"{kib}k"), ("slots", most.slots or None), ("maxmem", f"{aligned(build, most.size)}k")
        )
    else:
        line.add("-m", str(kib // KIB))
    ram = default_ram_id(build)
    if ram is not None:
        line.add_objects(make_backend(build, Request(alias=ram, kib=kib, system=True)).objects)
    elif _allocates_all(build):
        line.add("-mem-prealloc")
        page = _common_page(build)
        if page is not None:
            line.add("-mem-path", huge_page_path(build, page))


def _allocates_all(build: Build) -> bool:
    """Whether an old machine is told to allocate all its memory at once, modules included."""
    if default_ram_id(build) is not None or cells_need_backends(build):
        return False
    return _common_page(build) is not None or wants_preallocation(build)


def _common_page(build: Build) -> int | None:
    return huge_page(build, Request(alias="", kib=0))


_MODULE_DRIVERS = {
    "dimm": "pc-dimm",
    "nvdimm": "nvdimm",
    "virtio-pmem": "virtio-pmem-pci",
    "virtio-mem": "virtio-mem-pci",
}


def module_backend(build: Build, module: Memory) -> list[Props]:
    """What backs a memory module: the last one is the memory, the others help to allocate it.

    Raises:
        VirtError: the host has no such memory.
    """
    backend = make_backend(build, _request(build, module))
    for node in backend.properties.get("host-nodes", ()):
        if node not in build.context.nodes:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"NUMA node {node} is unavailable")
    return backend.objects


def _request(build: Build, module: Memory) -> Request:
    return Request(
        alias=f"mem{module.alias}",
        kib=module_size(build, module),
        node=module.target.node,
        access=module.access,
        discard=module.discard,
        module=module,
        allocated=_allocates_all(build),
    )


def _plugs_preallocated(build: Build, module: Memory) -> bool:
    """Whether virtio-mem takes all of the host's memory for what it plugs, which its backend must not do."""
    if module.model != "virtio-mem" or not build.caps.has("virtio-mem-pci.prealloc"):
        return False
    return wants_preallocation(build) or huge_page(build, _request(build, module)) is not None


def module_props(build: Build, module: Memory) -> Props:
    """-device of a memory module."""
    target = module.target
    label = target.label.size if target.label else None
    virtio = module.model == "virtio-mem"
    return props(
        {
            "driver": _MODULE_DRIVERS[module.model],
            "node": target.node,
            "label-size": label * KIB if label else None,
            "block-size": target.block * KIB if virtio and target.block else None,
            "requested-size": target.requested * KIB if virtio and target.requested else None,
            "uuid": module.uuid,
            "unarmed": True if target.readonly and module.model == "nvdimm" else None,
            "memdev": f"mem{module.alias}",
            "prealloc": _plugs_preallocated(build, module) or None,
            "id": module.alias,
            **address_props(build, module),
        }
    )


def add_modules(build: Build, line: CommandLine) -> None:
    """Memory modules that are there from the start."""
    for module in build.domain.devices.memories:
        if module.model == "sgx-epc":
            continue
        line.add_objects(module_backend(build, module))
        add_device(line, module, module_props(build, module))
