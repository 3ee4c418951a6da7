# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new daemon finds the guests of the one before: stored ones, running ones, ones that ended meanwhile."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from uuid import UUID

from drivers.common import startup
from drivers.common.persistence import UNUSABLE
from drivers.qemu import commands, status
from drivers.qemu.adopt import strays
from drivers.qemu.adopt.document import is_libvirts
from drivers.qemu.adopt.takeover import NotAdoptedError, take_over
from drivers.qemu.context import QemuContext
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import plugging
from drivers.qemu.lifecycle import actions, connection, ending, running
from drivers.qemu.process import Process, find_by_argument, start_ticks
from drivers.qemu.runtime import Runtime
from virtd.enums import (
    DomainCrashedReason,
    DomainPausedReason,
    DomainPMSuspendedReason,
    DomainRunningReason,
    DomainShutdownReason,
    DomainShutoffReason,
    DomainState,
)
from virtd.errors import VirtError
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: Seconds that each try to reach a guest takes, and between tries.
CONNECT_SECONDS = 30.0
RETRY_SECONDS = 5.0

#: QMP's RunState → libvirt's state, and the reason where the one we remember does not fit.
RUN_STATES = {
    "running": (DomainState.RUNNING, DomainRunningReason.UNKNOWN),
    "paused": (DomainState.PAUSED, DomainPausedReason.UNKNOWN),
    "prelaunch": (DomainState.PAUSED, DomainPausedReason.STARTING_UP),
    "io-error": (DomainState.PAUSED, DomainPausedReason.IOERROR),
    "watchdog": (DomainState.PAUSED, DomainPausedReason.WATCHDOG),
    "save-vm": (DomainState.PAUSED, DomainPausedReason.SAVE),
    "restore-vm": (DomainState.PAUSED, DomainPausedReason.FROM_SNAPSHOT),
    "finish-migrate": (DomainState.PAUSED, DomainPausedReason.MIGRATION),
    "postmigrate": (DomainState.PAUSED, DomainPausedReason.MIGRATION),
    "inmigrate": (DomainState.PAUSED, DomainPausedReason.MIGRATION),
    "internal-error": (DomainState.PAUSED, DomainPausedReason.UNKNOWN),
    "debug": (DomainState.PAUSED, DomainPausedReason.UNKNOWN),
    "colo": (DomainState.PAUSED, DomainPausedReason.MIGRATION),
    "suspended": (DomainState.PMSUSPENDED, DomainPMSuspendedReason.PMSUSPENDED_UNKNOWN),
    "shutdown": (DomainState.SHUTDOWN, DomainShutdownReason.UNKNOWN),
    "guest-panicked": (DomainState.CRASHED, DomainCrashedReason.PANICKED),
}


async def load_all(context: QemuContext) -> None:
    """Load every stored definition and take over every running guest.  What cannot be read is set aside.

    Returns once every QEMU answered or had its time: one that hangs is waited for behind the scenes.
    """
    await startup.load_stored(context.guests, context.paths.definitions, lambda domain: Guest(context, domain))
    await startup.load_running(context.guests, context.paths.state, partial(_load_status, context), _reconnect)


async def _load_status(context: QemuContext, path: Path) -> None:
    try:
        found = await in_thread(_read_status, path)
    except NotAdoptedError as error:
        strays.note(context, error)
        return
    except UNUSABLE as error:
        await in_thread(files.set_aside, path, str(error))
        if (pid := strays.left_running(context, path.stem)) is not None:
            log.error("guest %s runs on as process %d, out of reach: nothing is known of it", path.stem, pid)
        return
    guest = context.guests.by_uuid(UUID(found.domain.uuid).bytes)
    if guest is None:
        guest = Guest(context, found.domain)
        context.guests.add(guest)
    guest.set_live(found.domain)
    guest.runtime = found.runtime
    guest.set_state(found.state, found.reason)
    guest.taints = dict.fromkeys(found.taints)
    guest.deprecations, guest.messages = found.deprecations, found.messages
    context.guests.claim_id(
        guest, found.domain.id if found.domain.id and found.domain.id > 0 else context.guests.next_id()
    )
    for feature in context.features:
        for element in found.elements:
            if element.tag == feature.status_element:
                feature.load_status(guest, element)
    found.runtime.process = await _find_process(found)
    if not found.ours:
        # Our own record takes the file's place when the guest has been reached; nothing is written into libvirtd's.
        guest.status_changed()


def _read_status(path: Path) -> status.Status:
    """What a daemon wrote of a running guest: one of ours, or libvirtd."""
    root = status.read_document(path)
    return take_over(root) if is_libvirts(root) else status.understand(root)


async def _find_process(found: status.Status) -> Process | None:
    """The guest's process, if it still runs; that of a start cut off before its pid was written is looked for."""
    pid, started = found.pid, found.started
    if pid is None:
        pid = await in_thread(find_by_argument, str(found.runtime.master_key))
        started = (start_ticks(pid) if pid is not None else None) or 0
    return Process.adopt(pid, started) if pid is not None else None


async def _reconnect(guest: Guest) -> None:
    """Take a running guest over, or note that it ended while no daemon watched.

    A QEMU that does not answer may only be slow: it is asked again and again, and its end is noticed
    all the same.
    """
    runtime = guest.runtime
    assert runtime is not None
    if runtime.process is not None:
        connection.watch_end(guest)
    while guest.runtime is runtime and runtime.monitor is None:
        try:
            async with guest.job("modify"):
                await _settle(guest, runtime)
                return
        except VirtError as error:
            log.error("guest %s runs on, but cannot be reached: %s", guest.name, error)
        await asyncio.sleep(RETRY_SECONDS)


async def _settle(guest: Guest, runtime: Runtime) -> None:
    if runtime.process is None:
        await ending.clean_up(guest, runtime, _end_reason(guest))
    elif _half_started(guest):
        log.warning("guest %s: its start was interrupted and is undone", guest.name)
        await _end(guest, runtime.process, DomainShutoffReason.FAILED)
    elif runtime.autodestroy:
        log.info("guest %s ends with the connection that started it", guest.name)
        await _end(guest, runtime.process, DomainShutoffReason.DESTROYED)
    else:
        await _take_over(guest, runtime)


def _half_started(guest: Guest) -> bool:
    return (guest.state, guest.reason) == (DomainState.PAUSED, DomainPausedReason.STARTING_UP)


def _end_reason(guest: Guest) -> int:
    """Why a guest is gone: its start was cut off, it was on its way to its end, or else it crashed."""
    if _half_started(guest):
        return DomainShutoffReason.FAILED
    if guest.state == DomainState.SHUTDOWN:
        return DomainShutoffReason.SHUTDOWN
    return DomainShutoffReason.CRASHED


async def _end(guest: Guest, process: Process, reason: int) -> None:
    runtime = guest.runtime
    assert runtime is not None
    runtime.stopping = reason
    await process.terminate(force=True)
    await ending.clean_up(guest, runtime, reason)


async def _take_over(guest: Guest, runtime: Runtime) -> None:
    """Connect to the guest's QEMU and learn how it stands."""
    monitor = await connection.attach(guest, runtime.monitor_path, seconds=CONNECT_SECONDS)
    _settle_state(guest, (await commands.query_status(monitor)).status)
    devices = runtime.devices
    await running.take_stock(guest)
    await plugging.reconcile(guest, devices)
    for feature in guest.context.features:
        await feature.guest_found(guest)
    await guest.save_status()


def _settle_state(guest: Guest, run_state: str) -> None:
    """What QEMU says now counts; the reason we remember stays where it fits."""
    state, reason = RUN_STATES.get(run_state, (DomainState.PAUSED, DomainPausedReason.UNKNOWN))
    if state != guest.state:
        guest.set_state(state, reason)
    if state == DomainState.SHUTDOWN:
        actions.powered_off(guest)
