# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a guest ends: on purpose, by itself, or by a crash; and what is cleaned up after it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from pathlib import Path

from drivers.qemu import hostside
from drivers.qemu.guest import Guest
from drivers.qemu.logfile import LogFile
from drivers.qemu.runtime import Runtime
from virtd.enums import DomainEventStoppedDetailType as Stopped
from virtd.enums import DomainEventType, DomainShutoffReason, DomainState
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: Why a guest is shut off → (detail of the event, word in its log).
_ENDS = {
    DomainShutoffReason.SHUTDOWN: (Stopped.SHUTDOWN, "shutdown"),
    DomainShutoffReason.DESTROYED: (Stopped.DESTROYED, "destroyed"),
    DomainShutoffReason.CRASHED: (Stopped.FAILED, "crashed"),
    DomainShutoffReason.MIGRATED: (Stopped.MIGRATED, "migrated"),
    DomainShutoffReason.SAVED: (Stopped.SAVED, "saved"),
    DomainShutoffReason.FAILED: (Stopped.FAILED, "failed"),
    DomainShutoffReason.FROM_SNAPSHOT: (Stopped.FROM_SNAPSHOT, "from-snapshot"),
    DomainShutoffReason.DAEMON: (Stopped.FAILED, "daemon"),
    DomainShutoffReason.UNKNOWN: (Stopped.FAILED, "unknown"),
}


async def end(guest: Guest, reason: int, *, detail: int | None = None, force: bool = True) -> bool:
    """End the guest's QEMU and clean up after it.

    `reason` is a `DomainShutoffReason`, `detail` that of the event where the reason does not say it.

    The process is ended before the job is asked for: a call that waits for a hung QEMU holds it, and goes
    when that does.  Whoever gets the job first cleans up; for the others nothing is left to do.  A start
    under way fails by it, or is waited for where it has no process yet.

    Returns:
        False when it was somebody else who cleaned up.

    Raises:
        VirtError: it does not end, or did not even start.
    """
    if guest.runtime is None or guest.runtime.process is None:
        async with guest.job("destroy"):
            guest.require_active()
    runtime = guest.runtime
    assert runtime is not None
    runtime.stopping = reason
    if runtime.process is not None:
        try:
            await runtime.process.terminate(force=force)
        except BaseException:
            runtime.stopping = None
            raise
    async with guest.job("destroy"):
        return await clean_up(guest, runtime, reason, detail)


def process_ended(guest: Guest, runtime: Runtime) -> None:
    """The guest's process is no more, whoever wanted it."""
    if guest.runtime is runtime and runtime.stopping is None and not runtime.starting:
        guest.tasks.spawn(_ended_by_itself(guest, runtime), "end")


async def _ended_by_itself(guest: Guest, runtime: Runtime) -> None:
    """QEMU's last events arrive before its end does, but on another way: let them in first."""
    if runtime.monitor is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.shield(runtime.monitor.closed)
    async with guest.job("destroy"):
        orderly = guest.state == DomainState.SHUTDOWN
        if not orderly and guest.runtime is runtime:
            log.warning("guest %s: QEMU is gone without a word, it must have crashed", guest.name)
        reason = DomainShutoffReason.SHUTDOWN if orderly else DomainShutoffReason.CRASHED
        await clean_up(guest, runtime, runtime.stopping or reason)


async def clean_up(guest: Guest, runtime: Runtime, reason: int, detail: int | None = None) -> bool:
    """Put everything back that the start took, then tell.  Does nothing, and returns False, when it was done already."""
    if guest.runtime is not runtime:
        return False
    usual, word = _ENDS[reason]
    await release(guest, runtime, word)
    guest.set_state(DomainState.SHUTOFF, reason)
    forget(guest)
    guest.emit_lifecycle(DomainEventType.STOPPED, usual if detail is None else detail)
    return True


async def release(guest: Guest, runtime: Runtime, word: str) -> None:
    """Give back all that a run held on the host; `word` ends its log.  Never raises: each step stands alone."""
    if runtime.monitor is not None:
        await runtime.monitor.close()
    for feature in guest.context.features:
        try:
            await feature.guest_ended(guest)
        except Exception:
            log.exception("guest %s: %s did not end well", guest.name, type(feature).__name__)
    if runtime.process is not None:
        runtime.process.close()
    await in_thread(_release_files, guest, runtime, word)


def _release_files(guest: Guest, runtime: Runtime, word: str) -> None:
    paths = guest.context.paths
    for step in (
        lambda: LogFile(paths.log_file(guest.name)).note(f"shutting down, reason={word}"),
        lambda: hostside.release(guest, runtime),
        lambda: _remove_folder(runtime.domain_dir),
        lambda: _remove_folder(runtime.channel_dir),
        lambda: files.remove(paths.pid_file(guest.name), durable=False),
        lambda: files.remove(paths.status(guest.name), durable=False),
    ):
        try:
            step()
        except OSError as error:
            log.warning("guest %s: %s", guest.name, error)


def _remove_folder(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def forget(guest: Guest) -> None:
    """The guest is inactive; a transient one is no more."""
    guest.runtime = None
    guest.set_live(None)
    guest.taints.clear()
    guest.deprecations.clear()
    guest.context.guests.release_id(guest)
    if guest.persistent is None:
        guest.context.guests.remove(guest)


async def let_go(guest: Guest) -> None:
    """The daemon ends: the guest goes on without it, unless it was bound to a connection."""
    runtime = guest.runtime
    if runtime is not None and runtime.autodestroy and not runtime.starting:
        await end(guest, DomainShutoffReason.DESTROYED)
    for feature in guest.context.features:
        await feature.guest_let_go(guest)
    # Nothing is heard any more before nobody is there to act on it.
    runtime = guest.runtime
    if runtime is not None and runtime.monitor is not None:
        await runtime.monitor.close()
    if runtime is not None and runtime.process is not None:
        runtime.process.close()
    await guest.tasks.close()
    await guest.status_saved()
