# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plain slot numbers: memory modules and smartcards."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import CCIDAddress, DIMMAddress
from conf.domain.devices.memory import Memory
from virtd.errors import Code, VirtError

#: Models that sit in a memory slot.
MODULES = ("dimm", "nvdimm")


def assign_memory_slots(domain: Domain) -> None:
    """Slots for all memory modules that lack one.

    Raises:
        VirtError: a slot in the XML is used twice or does not exist, or none is left.
    """
    modules = [m for m in domain.devices.memories if m.model in MODULES]
    if not modules:
        return
    if domain.max_memory is None:
        # refused later
        return
    taken = _taken_slots(domain)
    for module in modules:
        if not isinstance(module.address, DIMMAddress):
            _give_slot(module, taken, domain)


def assign_memory_slot(domain: Domain, module: Memory) -> None:
    """A slot for a module that is being added, or the one it has if that is free.

    Raises:
        VirtError: as `assign_memory_slots`.
    """
    taken = _taken_slots(domain)
    if isinstance(module.address, DIMMAddress):
        _take_slot(taken, module.address.slot, _count(domain))
    else:
        _give_slot(module, taken, domain)


def _count(domain: Domain) -> int:
    return (domain.max_memory.slots if domain.max_memory else None) or 0


def _taken_slots(domain: Domain) -> set[int]:
    taken: set[int] = set()
    for module in domain.devices.memories:
        if isinstance(module.address, DIMMAddress):
            _take_slot(taken, module.address.slot, _count(domain))
    return taken


def _give_slot(module: Memory, taken: set[int], domain: Domain) -> None:
    slot = next((n for n in range(_count(domain)) if n not in taken), None)
    if slot is None:
        raise VirtError(Code.INTERNAL_ERROR, "failed to find an empty memory slot")
    taken.add(slot)
    module.address = DIMMAddress(slot=slot)


def _take_slot(taken: set[int], slot: int, count: int) -> None:
    if slot >= count:
        raise VirtError(
            Code.CONFIG_UNSUPPORTED,
            f"memory device slot '{slot}' exceeds slots count '{count}'",
        )
    if slot in taken:
        raise VirtError(
            Code.CONFIG_UNSUPPORTED, f"memory device slot '{slot}' is already being used by another memory device"
        )
    taken.add(slot)


def assign_smartcards(domain: Domain) -> None:
    """Smartcards without an address go on the first reader, each to a slot of its own."""
    cards = domain.devices.smartcards
    taken = {c.address.slot for c in cards if isinstance(c.address, CCIDAddress) and c.address.controller == 0}
    following = max(taken, default=-1) + 1
    for card in cards:
        if card.address is None:
            card.address = CCIDAddress(controller=0, slot=following)
            following += 1
