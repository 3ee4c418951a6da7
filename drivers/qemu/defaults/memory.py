# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory modules and NUMA: sizes a platform asks for, and processors nobody claimed."""

from __future__ import annotations

import uuid

from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain import Domain
from conf.domain.devices.memory import Memory
from drivers.qemu import machines
from virtd.errors import Code, VirtError

#: pSeries plugs memory in pieces of this size (KiB).
_PSERIES_BLOCK = 256 * 1024


def complete_numa(domain: Domain) -> None:
    """Processors that belong to no node go to the first."""
    cells = domain.cpu.numa.cells if domain.cpu and domain.cpu.numa else []
    if not cells:
        return
    claimed = {cpu for cell in cells for cpu in (parse_bitmap(cell.cpus) if cell.cpus else ())}
    missing = {cpu for cpu in range(domain.vcpu.count) if cpu not in claimed}
    if missing:
        own = parse_bitmap(cells[0].cpus) if cells[0].cpus else set()
        cells[0].cpus = format_bitmap(own | missing)


def complete_memories(domain: Domain) -> None:
    """Round modules to what the platform can map: memory up, NVDIMMs down.

    Raises:
        VirtError: XML_ERROR, nothing would be left of an NVDIMM.
    """
    if not domain.devices.memories or not machines.is_pseries(domain):
        return
    all_of_it = domain.current_memory == domain.memory
    for memory in domain.devices.memories:
        before = memory.target.size
        if memory.model == "nvdimm":
            memory.uuid = memory.uuid or str(uuid.uuid4())
            _align_nvdimm(memory)
        elif memory.model == "dimm":
            memory.target.size = -(-before // _PSERIES_BLOCK) * _PSERIES_BLOCK
        domain.memory += memory.target.size - before
    if all_of_it or domain.current_memory > domain.memory:
        domain.current_memory = domain.memory


def _align_nvdimm(memory: Memory) -> None:
    label = (memory.target.label.size if memory.target.label else None) or 0
    usable = (memory.target.size - label) // _PSERIES_BLOCK * _PSERIES_BLOCK
    if usable <= 0:
        raise VirtError(Code.XML_ERROR, "minimum target size for the NVDIMM must be 256MB plus the label size")
    memory.target.size = usable + label
