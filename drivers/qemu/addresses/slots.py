# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plain slot numbers: memory modules and smartcards."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import CCIDAddress, DIMMAddress
from virtd.errors import Code, VirtError

#: Models that sit in a memory slot.
_MODULES = ("dimm", "nvdimm")


def assign_memory_slots(domain: Domain) -> None:
    """Slots for all memory modules that lack one.

    Raises:
        VirtError: a slot in the XML is used twice or does not exist, or none is left.
    """
    modules = [m for m in domain.devices.memories if m.model in _MODULES]
    if not modules:
        return
    count = (domain.max_memory.slots if domain.max_memory else None) or 0
    taken: set[int] = set()
    for module in modules:
        if isinstance(module.address, DIMMAddress) and module.address.slot is not None:
            _take_slot(taken, module.address.slot, count)
    for module in modules:
        given = module.address
        if given is not None and not (isinstance(given, DIMMAddress) and given.slot is None):
            continue
        slot = next((n for n in range(count) if n not in taken), None)
        if slot is None:
            raise VirtError(Code.CONFIG_UNSUPPORTED, "no free memory device slot available")
        taken.add(slot)
        module.address = DIMMAddress(slot=slot, base=given.base if isinstance(given, DIMMAddress) else None)


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
