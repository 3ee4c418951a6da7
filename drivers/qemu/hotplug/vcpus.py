# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugging virtual CPUs in and out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from drivers.common import onlinecpus
from drivers.qemu import commands, pinning
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import running
from virtd.errors import Code, VirtError, invalid_arg

#: Seconds a guest has to let go of a CPU.
UNPLUG_SECONDS = 5.0
#: Where QEMU's tree has what was plugged in by name; CPUs of the start stand elsewhere.
_PLUGGED = "/machine/peripheral/"


@dataclass(slots=True, frozen=True)
class _Slot:
    """A place for CPUs that come and go together.

    Attributes:
        numbers: the CPUs.
        alias: QEMU's id of what was plugged in here; None: nothing, or CPUs of the start, which stay.
        free: nothing is here.
    """

    numbers: tuple[int, ...]
    type: str
    properties: dict[str, Any]
    alias: str | None
    free: bool


async def set_count(guest: Guest, wanted: int) -> None:
    """Make `wanted` CPUs the guest's; the caller holds the job and saves.

    Raises:
        VirtError: the machine cannot, or the guest does not let go of one.
    """
    live = guest.require_active()
    now, slots = onlinecpus.count(live), await _slots(guest)
    if wanted % max((len(slot.numbers) for slot in slots), default=1):
        raise invalid_arg("target vm vcpu granularity does not allow the desired vcpu count")
    for slot in _choose(slots, now, wanted):
        if wanted > now:
            await _plug(guest, slot)
            onlinecpus.note_plugged(live, slot.numbers)
        else:
            await _unplug(guest, slot)
            onlinecpus.note_unplugged(live, slot.numbers)
    await running.take_stock(guest)
    if wanted > now:
        pinning.pin_all(guest)


async def plug_at_start(guest: Guest) -> None:
    """Give a fresh QEMU the CPUs of its definition that can be unplugged again.

    Raises:
        VirtError: QEMU refused.
    """
    live = guest.require_active()
    onlinecpus.note_turns(live)
    wanted = onlinecpus.plugged_at_start(live)
    if not wanted:
        return
    by_first = {slot.numbers[0]: slot for slot in await _slots(guest) if slot.free}
    for slot in (by_first[number] for number in wanted if number in by_first):
        await _plug(guest, slot)
    await running.take_stock(guest)


async def _slots(guest: Guest) -> list[_Slot]:
    """All of them, in the order of the CPUs."""
    slots, first = [], 0
    for found in sorted(await commands.query_hotpluggable_cpus(guest.monitor), key=_position):
        numbers = tuple(range(first, first + int(found.get("vcpus-count", 1))))
        first += len(numbers)
        path = found.get("qom-path")
        alias = str(path).removeprefix(_PLUGGED) if str(path).startswith(_PLUGGED) else None
        slots.append(_Slot(numbers, str(found["type"]), found.get("props", {}), alias, free=path is None))
    return slots


def _position(slot: dict[str, Any]) -> list[int]:
    properties = slot.get("props", {})
    return [int(properties.get(f"{level}-id", -1)) for level in ("socket", "die", "core", "thread")]


def _choose(slots: list[_Slot], now: int, wanted: int) -> list[_Slot]:
    """The slots to be filled, from the first free one on, or emptied, from the last that was plugged in.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, there are not enough.
    """
    candidates = [s for s in slots if s.free] if wanted > now else [s for s in reversed(slots) if s.alias]
    chosen = []
    while now != wanted and candidates:
        slot = candidates.pop(0)
        now += len(slot.numbers) if wanted > now else -len(slot.numbers)
        chosen.append(slot)
    if now != wanted:
        text = "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    return chosen


async def _plug(guest: Guest, slot: _Slot) -> None:
    device = {"driver": slot.type, "id": f"vcpu{slot.numbers[0]}", **slot.properties}
    await commands.device_add(guest.monitor, device)


async def _unplug(guest: Guest, slot: _Slot) -> None:
    alias = slot.alias
    assert alias is not None
    assert guest.runtime is not None
    gone = guest.runtime.removals[alias] = asyncio.get_running_loop().create_future()
    try:
        await commands.device_del(guest.monitor, alias)
        async with asyncio.timeout(UNPLUG_SECONDS):
            await gone
    except TimeoutError:
        text = "vcpu unplug request timed out. Unplug result must be manually inspected in the domain"
        raise VirtError(Code.OPERATION_TIMEOUT, text) from None
    finally:
        del guest.runtime.removals[alias]
