# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugging virtual CPUs in and out."""

from __future__ import annotations

import asyncio
from typing import Any

from drivers.qemu import commands
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import running
from virtd.errors import Code, VirtError, invalid_arg

#: Seconds a guest has to let go of a CPU.
UNPLUG_SECONDS = 10.0


async def set_count(guest: Guest, wanted: int) -> None:
    """Make `wanted` CPUs the guest's; the caller holds the job and saves.

    Raises:
        VirtError: the machine cannot, or the guest does not let go of one.
    """
    slots = await commands.query_hotpluggable_cpus(guest.monitor)
    per_slot = max((int(s.get("vcpus-count", 1)) for s in slots), default=1)
    if wanted % per_slot:
        raise invalid_arg("target vm vcpu granularity does not allow the desired vcpu count")
    change = _plug if wanted > _now(guest) else _unplug
    for slot in _choose(slots, _now(guest), wanted):
        await change(guest, slot)
    await running.take_stock(guest)


def _choose(slots: list[dict[str, Any]], now: int, wanted: int) -> list[dict[str, Any]]:
    """The slots to be filled, from the first free one on, or emptied, from the last that was plugged in.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, there are not enough.
    """
    ordered = sorted(slots, key=_position)
    if wanted > now:
        candidates = [s for s in ordered if "qom-path" not in s]
    else:
        candidates = [s for s in reversed(ordered) if _alias(s)]
    chosen = []
    while now != wanted and candidates:
        slot = candidates.pop(0)
        size = int(slot.get("vcpus-count", 1))
        now += size if wanted > now else -size
        chosen.append(slot)
    if now != wanted:
        text = "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    return chosen


def _now(guest: Guest) -> int:
    vcpu = guest.require_active().vcpu
    return vcpu.count if vcpu.current is None else vcpu.current


def _count(guest: Guest, count: int) -> None:
    vcpu = guest.require_active().vcpu
    vcpu.current = None if count == vcpu.count else count


def _position(slot: dict[str, Any]) -> list[tuple[str, int]]:
    return sorted(slot.get("props", {}).items(), key=lambda item: item[0], reverse=True)


def _alias(slot: dict[str, Any]) -> str | None:
    """The id of a CPU that was plugged in; those of the start have none and stay."""
    path = str(slot.get("qom-path", ""))
    return path.removeprefix("/machine/peripheral/") if path.startswith("/machine/peripheral/") else None


async def _plug(guest: Guest, slot: dict[str, Any]) -> None:
    index = _now(guest)
    await commands.device_add(guest.monitor, {"driver": slot["type"], "id": f"vcpu{index}", **slot.get("props", {})})
    _count(guest, index + int(slot.get("vcpus-count", 1)))


async def _unplug(guest: Guest, slot: dict[str, Any]) -> None:
    alias = _alias(slot)
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
    _count(guest, _now(guest) - int(slot.get("vcpus-count", 1)))
