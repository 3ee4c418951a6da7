# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers begin and end: what becomes of definition, state, files and events; the work on the host is the runtime's."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

from conf.domain import Domain
from conf.domain.devices.filesystem import Filesystem, FilesystemSource, FilesystemTarget
from conf.domain.idmap import Resource
from drivers.lxc import confinement
from drivers.lxc.guest import Guest
from drivers.lxc.runstate import End, RunState
from drivers.lxc.runtime.limits import PARTITION
from virtd.calls import Connection
from virtd.enums import (
    DomainEventID,
    DomainEventResumedDetailType,
    DomainEventStartedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
)
from virtd.enums import DomainEventStoppedDetailType as Stopped
from virtd.errors import Code, VirtError
from virtd.store import files

log = logging.getLogger(__name__)

#: Why a guest is shut off → detail of the event.
_DETAILS: dict[int, int] = {
    DomainShutoffReason.SHUTDOWN: Stopped.SHUTDOWN,
    DomainShutoffReason.DESTROYED: Stopped.DESTROYED,
}


async def start(guest: Guest, definition: Domain, *, owner: Connection | None = None, fds: Sequence[int] = ()) -> None:
    """Start a container for an inactive guest by `definition`; the caller holds the guest's job.

    Either the guest runs when this returns, or nothing is left of the attempt.

    Args:
        owner: the connection that the guest ends with; None: it stays.
        fds: descriptors for the container's init.

    Raises:
        VirtError: why it could not be started.
    """
    _check_consoles(definition)
    _check_partition(definition)
    confinement.check_guest(definition, guest.context.settings)
    live = copy.deepcopy(definition)
    complete_live(live)
    async with AsyncExitStack() as undo:
        guest.set_live(live)
        undo.callback(forget, guest, DomainShutoffReason.FAILED)
        await _run(guest, owner, fds)
        undo.pop_all()
    guest.emit_lifecycle(DomainEventType.STARTED, DomainEventStartedDetailType.BOOTED)


async def _run(guest: Guest, owner: Connection | None, fds: Sequence[int] = ()) -> None:
    """Make a container by the live definition."""
    guest.run = RunState(autodestroy=owner is not None, owner=owner)
    guest.set_state(DomainState.SHUTOFF, DomainShutoffReason.UNKNOWN)
    guest.on_end = ended
    await guest.context.runtime.start(guest, files=fds)
    guest.set_state(DomainState.RUNNING, DomainRunningReason.BOOTED)
    await guest.save_status()


def complete_live(live: Domain) -> None:
    """Add to a copy of a definition what a container has though nothing is said about it."""
    live.resource = live.resource or Resource()
    live.resource.partition = live.resource.partition or PARTITION
    devices = live.devices
    if not any(f.target is not None and f.target.dir == "/" for f in devices.filesystems):
        root = Filesystem(accessmode="passthrough", source=FilesystemSource(dir="/"), target=FilesystemTarget(dir="/"))
        devices.filesystems.insert(0, root)
    for number, console in enumerate(devices.consoles):
        console.alias = f"console{number}"


def _check_consoles(definition: Domain) -> None:
    consoles = definition.devices.consoles
    if not consoles:
        raise VirtError(Code.CONFIG_UNSUPPORTED, "At least one PTY console is required")
    if any(console.type != "pty" for console in consoles):
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Only PTY console types are supported")


def _check_partition(definition: Domain) -> None:
    partition = definition.resource.partition if definition.resource is not None else None
    if partition is not None and not partition.startswith("/"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"Resource partition '{partition}' must start with '/'")


async def end(guest: Guest, reason: int) -> None:
    """End the guest's container and clean up after it; the caller holds the guest's job.

    `reason` is a `DomainShutoffReason`.

    Raises:
        VirtError: it does not end.
    """
    await _stop(guest, reason)
    _gone(guest, reason)


async def _stop(guest: Guest, reason: int) -> None:
    run = guest.run
    assert run is not None
    run.stopping = reason
    try:
        await guest.context.runtime.stop(guest, reason)
    except BaseException:
        run.stopping = None
        raise


def _gone(guest: Guest, reason: int) -> None:
    """Tell that the container is no more, and forget a transient guest."""
    forget(guest, reason)
    guest.emit_lifecycle(DomainEventType.STOPPED, _DETAILS.get(reason, Stopped.FAILED))
    if guest.persistent is None:
        guest.context.guests.remove(guest)


def forget(guest: Guest, reason: int) -> None:
    """The guest is inactive; a transient one is for the caller to remove."""
    guest.run = None
    guest.set_live(None)
    guest.set_state(DomainState.SHUTOFF, reason)
    try:
        files.remove(guest.context.paths.status(guest.name), durable=False)
    except OSError as error:
        log.warning("guest %s: its status file stays: %s", guest.name, error)
    guest.context.guests.release_id(guest)


def ended(guest: Guest, how: End) -> None:
    """A container has ended and nobody asked for it: see to it as soon as the guest's job is free."""
    guest.tasks.spawn(_ended(guest, guest.run, how), "end")


async def _ended(guest: Guest, run: RunState | None, how: End) -> None:
    async with guest.job("destroy"):
        if run is None or guest.run is not run or run.stopping is not None:
            return
        if how == End.REBOOT and guest.require_active().on_reboot in ("restart", "rename-restart"):
            await _reboot(guest, run)
        elif how == End.CRASHED:
            await end(guest, DomainShutoffReason.CRASHED)
        else:
            await end(guest, DomainShutoffReason.SHUTDOWN)


async def _reboot(guest: Guest, run: RunState) -> None:
    """Start over with what ran."""
    await _stop(guest, DomainShutoffReason.SHUTDOWN)
    try:
        await _run(guest, run.owner)
    except VirtError as error:
        log.error("guest %s does not start again: %s", guest.name, error)
        _gone(guest, DomainShutoffReason.FAILED)
        return
    guest.emit(DomainEventID.REBOOT)


async def suspend(guest: Guest) -> None:
    """Freeze a running container; the caller holds the guest's job."""
    await guest.context.runtime.freeze(guest)
    guest.set_state(DomainState.PAUSED, DomainPausedReason.USER)
    await guest.save_status()
    guest.emit_lifecycle(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.PAUSED)


async def resume(guest: Guest) -> None:
    """Let a frozen container go on; the caller holds the guest's job."""
    await guest.context.runtime.thaw(guest)
    guest.set_state(DomainState.RUNNING, DomainRunningReason.UNPAUSED)
    await guest.save_status()
    guest.emit_lifecycle(DomainEventType.RESUMED, DomainEventResumedDetailType.UNPAUSED)
