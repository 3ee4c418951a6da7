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
    live, monitor = guest.require_active(), guest.monitor
    slots = await commands.query_hotpluggable_cpus(monitor)
    per_slot = max((int(s.get("vcpus-count", 1)) for s in slots), default=1)
    if wanted % per_slot:
        raise invalid_arg("target vm vcpu granularity does not allow the desired vcpu count")
    free = sorted((s for s in slots if "qom-path" not in s), key=_position)
    plugged = sorted((s for s in slots if _alias(s)), key=_position)
    while live.vcpu.count and _now(guest) != wanted:
        if _now(guest) < wanted:
            await _plug(guest, free.pop(0) if free else None)
        else:
            await _unplug(guest, plugged.pop() if plugged else None)
    await running.take_stock(guest)


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


async def _plug(guest: Guest, slot: dict[str, Any] | None) -> None:
    if slot is None:
        raise VirtError(Code.OPERATION_UNSUPPORTED, "cpu hotplug is not supported by this machine")
    index = _now(guest)
    await commands.device_add(guest.monitor, {"driver": slot["type"], "id": f"vcpu{index}", **slot.get("props", {})})
    _count(guest, index + int(slot.get("vcpus-count", 1)))


async def _unplug(guest: Guest, slot: dict[str, Any] | None) -> None:
    if slot is None or guest.runtime is None:
        raise VirtError(Code.OPERATION_UNSUPPORTED, "vcpu unplug is not supported for a vcpu of the guest's start")
    alias = _alias(slot)
    assert alias is not None
    gone = guest.runtime.removals[alias] = asyncio.get_running_loop().create_future()
    try:
        await commands.device_del(guest.monitor, alias)
        async with asyncio.timeout(UNPLUG_SECONDS):
            await gone
    except TimeoutError:
        raise VirtError(Code.OPERATION_TIMEOUT, "vcpu unplug request timed out") from None
    finally:
        del guest.runtime.removals[alias]
    _count(guest, _now(guest) - int(slot.get("vcpus-count", 1)))
