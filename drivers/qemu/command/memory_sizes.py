# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory a guest has, in the portions that its machine can have."""

from __future__ import annotations

from conf.domain.devices.memory import Memory
from conf.domain.numa import NumaCell
from drivers.qemu.capabilities.arch import PPC64
from drivers.qemu.command.context import Build
from virtd.errors import Code, VirtError

KIB = 1024


#: pSeries hands out memory in blocks of this many KiB.
_PPC64_BLOCK = 256 * KIB


#: The most KiB that can be counted in bytes by a signed number.
_MOST = (2**63 - 1) // KIB


#: Other machines plug in memory in blocks of this many KiB.
_MODULE_BLOCK = 2 * KIB


def cell_size(build: Build, number: int, cell: NumaCell) -> int:
    size = aligned(build, cell.memory)
    if size > _MOST:
        detail = f"memory size of NUMA node '{number}' overflowed after alignment"
        raise VirtError(Code.CONFIG_UNSUPPORTED, detail)
    return size


def aligned(build: Build, kib: int) -> int:
    """The next size that the machine can have."""
    block = _PPC64_BLOCK if build.arch in PPC64 else KIB
    return -(-kib // block) * block


def initial_memory(build: Build) -> int:
    """KiB the guest starts with, memory modules not counted."""
    in_cells = sum(cell_size(build, number, cell) for number, cell in enumerate(cells_of(build)))
    if in_cells:
        return in_cells
    modules = sum(m.target.size for m in build.domain.devices.memories if m.model != "virtio-pmem")
    return aligned(build, build.domain.memory - modules)


def cells_of(build: Build) -> list[NumaCell]:
    cpu = build.domain.cpu
    return cpu.numa.cells if cpu is not None and cpu.numa is not None else []


def module_size(build: Build, module: Memory) -> int:
    """The next size that a memory module can have; pSeries' NVDIMMs were given theirs at definition."""
    if build.arch in PPC64:
        return module.target.size if module.model == "nvdimm" else aligned(build, module.target.size)
    return -(-module.target.size // _MODULE_BLOCK) * _MODULE_BLOCK
