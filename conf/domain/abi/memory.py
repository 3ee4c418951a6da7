# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest sees of its memory: how much, in which nodes and modules."""

from __future__ import annotations

from conf.domain.abi.compare import Check, Getter, each, number, refuse, same, truth
from conf.domain.domain import Domain
from conf.domain.numa import NumaCell

_LOCAL, _REMOTE = 10, 20


def _device(what: str, of: str | Getter, owner: str = "memory device ") -> Check:
    return same(f"Target memory device {what} '%s' doesn't match source {owner}{what} '%s'", of)


def _nvdimm(what: str, of: Getter) -> Check:
    # libvirt's message has the values in each other's place.
    return same(f"Target NVDIMM {what} '%s' doesn't match source NVDIMM {what} '%s'", of, old_first=True)


#: Checks of `<memory>` devices; what a model does not have is unset on both sides.
MEMORY: tuple[Check, ...] = (
    _device("model", "model", ""),
    _device("targetNode", number("target.node", -1), ""),
    _device("size", "target.size"),
    _device("block size", number("target.block")),
    _device("requested size", number("target.requested")),
    _nvdimm("label size", number("target.label.size")),
    _nvdimm("alignment", number("source.alignsize")),
    same("Target NVDIMM pmem flag doesn't match source NVDIMM pmem flag", truth("source.pmem")),
    same("Target NVDIMM readonly flag doesn't match source NVDIMM readonly flag", truth("target.readonly")),
    same("Target NVDIMM UUID doesn't match source NVDIMM", "uuid"),
)


def _initial(domain: Domain) -> int:
    """Memory without modules, in KiB."""
    return domain.memory - sum(module.target.size for module in domain.devices.memories)


SIZES: tuple[Check, ...] = (
    same("Target domain max memory %s does not match source %s", _initial),
    same("Target maximum memory size '%s' doesn't match source '%s'", number("max_memory.size")),
    same("Target domain memory slots count '%s' doesn't match source '%s'", number("max_memory.slots")),
)
#: What a running guest changes itself.
CURRENT = same("Target domain current memory %s does not match source %s", "current_memory")


def _cells(domain: Domain) -> list[NumaCell]:
    return domain.cpu.numa.cells if domain.cpu is not None and domain.cpu.numa is not None else []


def _check_distances(index: int, old: NumaCell, new: NumaCell) -> None:
    before, after = ({sibling.id: sibling.value for sibling in cell.siblings} for cell in (old, new))
    for other in sorted(before.keys() | after.keys()):
        usual = _LOCAL if other == index else _REMOTE
        if (before.get(other) or usual) != (after.get(other) or usual):
            refuse("Target NUMA distance from %s to %s doesn't match source", index, other)


def nodes(old: Domain, new: Domain) -> None:
    """Check the guest's NUMA nodes."""
    each(_cells, "Target NUMA node count '%s' doesn't match source '%s'")(old, new)
    for index, (before, after) in enumerate(zip(_cells(old), _cells(new), strict=True)):
        if before.memory != after.memory:
            refuse("Size of target NUMA node %s (%s) doesn't match source (%s)", index, after.memory, before.memory)
        if before.cpus != after.cpus:
            refuse("Processor mask of target NUMA node %s doesn't match source", index)
        _check_distances(index, before, after)
