# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<memory>` devices."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import DIMMAddress
from conf.domain.devices.memory import Memory
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.devices.question import Question

#: Models that are a module in a slot.
_MODULES = ("dimm", "nvdimm")


def check_memory(memory: Memory, question: Question) -> None:
    """Raise VirtError for memory that QEMU cannot add."""
    if memory.model == "sgx-epc":
        if not question.emulator.has("sgx-epc"):
            raise unsupported("sgx epc isn't supported by this QEMU binary")
        return
    domain = question.domain
    if domain.max_memory is None:
        raise unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined")
    has_nodes = bool(domain.cpu and domain.cpu.numa and domain.cpu.numa.cells)
    if has_nodes and memory.target.node is None and memory.model != "virtio-pmem":
        raise unsupported("target NUMA node needs to be specified for memory device")
    address = memory.address
    slots = domain.max_memory.slots or 0
    if isinstance(address, DIMMAddress) and address.slot >= slots:
        raise unsupported(f"memory device slot '{address.slot}' exceeds slots count '{slots}'")


def check_memories(domain: Domain) -> None:
    """Raise VirtError for modules in one place, or more than there are slots."""
    modules = [memory for memory in domain.devices.memories if memory.model in _MODULES]
    slots = domain.max_memory.slots or 0 if domain.max_memory else 0
    if len(modules) > slots:
        raise unsupported(f"memory device count '{len(modules)}' exceeds slots count '{slots}'")
    seen_slots: set[int] = set()
    seen_bases: set[int] = set()
    for module in modules:
        address = module.address
        if not isinstance(address, DIMMAddress):
            continue
        if address.slot in seen_slots:
            raise unsupported(f"memory device slot '{address.slot}' is already being used by another memory device")
        if address.base and address.base in seen_bases:
            raise unsupported(f"memory device base '0x{address.base:x}' is already being used by another memory device")
        seen_slots.add(address.slot)
        seen_bases.add(address.base or 0)
