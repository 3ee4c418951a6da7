# SPDX-License-Identifier: LGPL-2.1-or-later
"""What follows when a guest powers off, resets or crashes: `<on_poweroff>`, `<on_reboot>`, `<on_crash>`."""

from __future__ import annotations

import logging

from drivers.qemu import commands
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import ending
from virtd.enums import (
    DomainEventStoppedDetailType,
    DomainRunningReason,
    DomainShutoffReason,
)
from virtd.errors import VirtError

log = logging.getLogger(__name__)


def starts_over(guest: Guest) -> bool:
    """Whether a power-off of this guest is the first half of a reboot."""
    runtime, live = guest.runtime, guest.live
    return runtime is not None and live is not None and (runtime.fake_reboot or live.on_poweroff == "restart")


def powered_off(guest: Guest) -> None:
    """QEMU waits after a power-off (-no-shutdown): end it, or start the machine over."""
    runtime, live = guest.runtime, guest.live
    if runtime is None or live is None or runtime.stopping is not None:
        return
    if starts_over(guest):
        guest.tasks.spawn(_start_over(guest, DomainRunningReason.BOOTED), "reboot")
    elif live.on_poweroff != "preserve":
        guest.tasks.spawn(_end(guest, DomainShutoffReason.SHUTDOWN), "power-off")


def was_reset(guest: Guest) -> None:
    """A guest whose reboots are to end it."""
    if guest.live is not None and guest.live.on_reboot == "destroy":
        guest.tasks.spawn(_end(guest, DomainShutoffReason.DESTROYED), "end at reboot")


def crashed(guest: Guest) -> None:
    """The guest panicked."""
    action = guest.live.on_crash if guest.live is not None else None
    if action in ("destroy", "coredump-destroy"):
        detail = DomainEventStoppedDetailType.CRASHED
        guest.tasks.spawn(_end(guest, DomainShutoffReason.CRASHED, detail), "end after crash")
    elif action in ("restart", "coredump-restart"):
        guest.tasks.spawn(_start_over(guest, DomainRunningReason.CRASHED), "restart after crash")


async def _end(guest: Guest, reason: int, detail: int | None = None) -> None:
    if guest.runtime is not None and guest.runtime.stopping is None:
        await ending.end(guest, reason, detail=detail)


async def _start_over(guest: Guest, reason: int) -> None:
    """Reset the machine and let it go, for a `DomainRunningReason`; a guest with which that fails is ended.

    QEMU stands still after the power-off, so that this is a reboot as the guest sees it, and QEMU tells of one.
    """
    runtime = guest.runtime
    if runtime is None:
        return
    try:
        async with guest.job("modify"):
            runtime.fake_reboot = False
            monitor = guest.monitor
            await commands.system_reset(monitor)
            runtime.powered_off = False
            runtime.resume_reason = reason
            await commands.cont(monitor)
    except VirtError as error:
        log.error("guest %s cannot be started over and is ended: %s", guest.name, error)
        await _end(guest, DomainShutoffReason.FAILED)
    finally:
        runtime.resume_reason = None
        guest.save_status_soon()
