# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<memory>` devices."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import DIMMAddress, PCIAddress
from conf.domain.devices.memory import Memory
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.question import Question

#: Model → the emulator's flag and how it is called.
_FLAGS = {
    "dimm": ("pc-dimm", "memory hotplug"),
    "nvdimm": ("nvdimm", "nvdimm"),
    "virtio-pmem": ("virtio-pmem-pci", "virtio-pmem"),
    "virtio-mem": ("virtio-mem-pci", "virtio-mem"),
    "sgx-epc": ("sgx-epc", "sgx epc"),
}
#: Models that are a module in a slot.
_MODULES = ("dimm", "nvdimm")


def check_memory(memory: Memory, question: Question) -> None:
    """Raise VirtError for memory that QEMU cannot add."""
    flag, name = _FLAGS[memory.model]
    if not question.emulator.has(flag):
        raise unsupported(f"{name} isn't supported by this QEMU binary")
    if memory.model == "nvdimm" and machines.is_pseries(question.domain) and not memory.target.label:
        raise unsupported("label size is required for NVDIMM device")


def _check_place(memory: Memory, domain: Domain) -> None:
    if memory.model.startswith("virtio-") and not isinstance(memory.address, PCIAddress):
        raise unsupported(f"only 'pci' addresses are supported for the {memory.model} device")
    if memory.model == "sgx-epc":
        return
    slots = _slots(domain)
    has_nodes = bool(domain.cpu and domain.cpu.numa and domain.cpu.numa.cells)
    if has_nodes and memory.target.node is None and memory.model != "virtio-pmem":
        raise unsupported("target NUMA node needs to be specified for memory device")
    address = memory.address
    if isinstance(address, DIMMAddress) and address.slot >= slots:
        raise unsupported(f"memory device slot '{address.slot}' exceeds slots count '{slots}'")


def _slots(domain: Domain) -> int:
    """How many modules there may be."""
    if domain.max_memory is None:
        raise unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined")
    return domain.max_memory.slots or 0


def check_memories(domain: Domain) -> None:
    """Raise VirtError for memory without a place, modules in one place, or more than there are slots."""
    for memory in domain.devices.memories:
        _check_place(memory, domain)
    modules = [memory for memory in domain.devices.memories if memory.model in _MODULES]
    if modules and len(modules) > (slots := _slots(domain)):
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
