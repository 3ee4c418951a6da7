# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's events that change a guest's state."""

from __future__ import annotations

from typing import Any

from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import actions
from virtd.enums import (
    DomainCrashedReason,
    DomainEventCrashedDetailType,
    DomainEventID,
    DomainEventPMSuspendedDetailType,
    DomainEventResumedDetailType,
    DomainEventShutdownDetailType,
    DomainEventStartedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainEventWatchdogAction,
    DomainPausedReason,
    DomainPMSuspendedReason,
    DomainRunningReason,
    DomainShutdownReason,
    DomainShutoffReason,
    DomainState,
)

_WATCHDOG_ACTIONS = {
    "none": DomainEventWatchdogAction.NONE,
    "pause": DomainEventWatchdogAction.PAUSE,
    "reset": DomainEventWatchdogAction.RESET,
    "poweroff": DomainEventWatchdogAction.POWEROFF,
    "shutdown": DomainEventWatchdogAction.SHUTDOWN,
    "debug": DomainEventWatchdogAction.DEBUG,
    "inject-nmi": DomainEventWatchdogAction.INJECTNMI,
}

#: `DomainPausedReason` → detail of the event.
SUSPENDED_DETAILS = {
    DomainPausedReason.MIGRATION: DomainEventSuspendedDetailType.MIGRATED,
    DomainPausedReason.FROM_SNAPSHOT: DomainEventSuspendedDetailType.FROM_SNAPSHOT,
    DomainPausedReason.IOERROR: DomainEventSuspendedDetailType.IOERROR,
    DomainPausedReason.WATCHDOG: DomainEventSuspendedDetailType.WATCHDOG,
    DomainPausedReason.POSTCOPY: DomainEventSuspendedDetailType.POSTCOPY,
}

#: `DomainRunningReason` → detail of the event.
RESUMED_DETAILS = {
    DomainRunningReason.MIGRATED: DomainEventResumedDetailType.MIGRATED,
    DomainRunningReason.FROM_SNAPSHOT: DomainEventResumedDetailType.FROM_SNAPSHOT,
    DomainRunningReason.POSTCOPY: DomainEventResumedDetailType.POSTCOPY,
}

#: What the events of sleeping and waking carry: a field that has no meaning yet.
_NO_REASON = 0


def stopped(guest: Guest, _: dict[str, Any]) -> None:
    """The CPUs stand still, by a command of ours or for a reason told before."""
    runtime = guest.runtime
    if guest.state != DomainState.RUNNING or runtime is None or runtime.block.pivoting or runtime.powered_off:
        return
    reason = runtime.pause_reason
    paused(guest, DomainPausedReason.UNKNOWN if reason is None else reason)


def _enter(guest: Guest, state: int, reason: int, event: int, detail: int) -> None:
    """Note a new state and its reason, tell clients, and have it written."""
    guest.set_state(state, reason)
    guest.emit_lifecycle(event, detail)
    guest.save_state_soon()


def paused(guest: Guest, reason: int) -> None:
    """Note and tell that the guest stands still."""
    detail = SUSPENDED_DETAILS.get(reason, DomainEventSuspendedDetailType.PAUSED)
    _enter(guest, DomainState.PAUSED, reason, DomainEventType.SUSPENDED, detail)


def resumed(guest: Guest, _: dict[str, Any]) -> None:
    """The CPUs go."""
    if guest.state == DomainState.RUNNING or guest.runtime is None:
        return
    wanted = guest.runtime.resume_reason
    reason = DomainRunningReason.UNPAUSED if wanted is None else wanted
    detail = RESUMED_DETAILS.get(reason, DomainEventResumedDetailType.UNPAUSED)
    _enter(guest, DomainState.RUNNING, reason, DomainEventType.RESUMED, detail)


def shut_down(guest: Guest, data: dict[str, Any]) -> None:
    """The guest powered off, or QEMU was told to end.  A power-off that is half of a reboot is nobody's concern."""
    if guest.state == DomainState.SHUTDOWN or guest.runtime is None:
        return
    if guest.runtime.stopping == DomainShutoffReason.CRASHED:
        return  # it is we who end it, and not the guest
    guest.runtime.powered_off = True
    if actions.starts_over(guest):
        actions.powered_off(guest)
        return
    by_guest = data.get("guest")
    details = DomainEventShutdownDetailType
    detail = details.FINISHED if by_guest is None else details.GUEST if by_guest else details.HOST
    _enter(guest, DomainState.SHUTDOWN, DomainShutdownReason.UNKNOWN, DomainEventType.SHUTDOWN, detail)
    actions.powered_off(guest)


def reset(guest: Guest, _: dict[str, Any]) -> None:
    """The machine was reset, by the guest or from outside."""
    guest.emit(DomainEventID.REBOOT)
    actions.was_reset(guest)


def suspended_to_memory(guest: Guest, _: dict[str, Any]) -> None:
    """S3."""
    guest.emit(DomainEventID.PMSUSPEND, _NO_REASON)
    if guest.state == DomainState.RUNNING:
        _enter(
            guest,
            DomainState.PMSUSPENDED,
            DomainPMSuspendedReason.PMSUSPENDED_UNKNOWN,
            DomainEventType.PMSUSPENDED,
            DomainEventPMSuspendedDetailType.MEMORY,
        )


def suspended_to_disk(guest: Guest, _: dict[str, Any]) -> None:
    """S4: the guest powers off next."""
    guest.emit(DomainEventID.PMSUSPEND_DISK, _NO_REASON)
    if guest.state == DomainState.RUNNING:
        _enter(
            guest,
            DomainState.PMSUSPENDED,
            DomainPMSuspendedReason.PMSUSPENDED_UNKNOWN,
            DomainEventType.PMSUSPENDED,
            DomainEventPMSuspendedDetailType.DISK,
        )


def woken(guest: Guest, _: dict[str, Any]) -> None:
    """Back from S3."""
    guest.emit(DomainEventID.PMWAKEUP, _NO_REASON)
    if guest.state == DomainState.PMSUSPENDED:
        _enter(
            guest,
            DomainState.RUNNING,
            DomainRunningReason.WAKEUP,
            DomainEventType.STARTED,
            DomainEventStartedDetailType.WAKEUP,
        )


def watchdog(guest: Guest, data: dict[str, Any]) -> None:
    """The guest did not feed its watchdog."""
    action = _WATCHDOG_ACTIONS.get(str(data.get("action")), DomainEventWatchdogAction.NONE)
    guest.emit(DomainEventID.WATCHDOG, action)
    if action == DomainEventWatchdogAction.PAUSE and guest.state == DomainState.RUNNING:
        paused(guest, DomainPausedReason.WATCHDOG)


def panicked(guest: Guest, data: dict[str, Any]) -> None:
    """The guest's own kernel told that it crashed; QEMU stops it for that and says so next."""
    if data.get("action") != "run" and guest.state == DomainState.RUNNING:
        paused(guest, DomainPausedReason.UNKNOWN)
    _enter(
        guest,
        DomainState.CRASHED,
        DomainCrashedReason.PANICKED,
        DomainEventType.CRASHED,
        DomainEventCrashedDetailType.PANICKED,
    )
    actions.crashed(guest)
