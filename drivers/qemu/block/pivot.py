# SPDX-License-Identifier: LGPL-2.1-or-later
"""The safe pivot: moving a running guest to the copy of its disk so that nobody is ever wrong about where it writes.

    intent      written durably; nothing has happened yet
    paused      the guest stands still (it stood still already where it did not run)
    completing  QEMU is about to be told to switch over
    concluded   QEMU has ended the job
    outcome     where the guest's drive is now, as QEMU shows it; written durably
    live        the running definition and the status file say so
    stored      and the stored definition
    resumed     the guest runs again
    closed      the record is gone

From "paused" to "outcome" both images are equal and nobody writes to either.  Whatever kills the daemon in
between, the next one finds the record and a guest that stands still, and `recovery` goes on from there.
The pause is no event to clients: they asked for a pivot, and stock shows none.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from enum import StrEnum
from typing import Any

from conf.binding import FormatOptions, format_document
from conf.domain.devices.disk import Disk
from drivers.common.images import changes
from drivers.common.images.layers import chain
from drivers.qemu import commands as machine
from drivers.qemu.block import commands, jobs
from drivers.qemu.block.state import BlockJob, JobState
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import state_events
from drivers.qemu.monitor import QmpError
from virtd.enums import ConnectDomainEventBlockJobStatus as Status
from virtd.enums import DomainPausedReason, DomainState
from virtd.errors import Code, VirtError
from virtd.store.journal import Journal, Record

log = logging.getLogger(__name__)

OPERATION = "block-pivot"

#: Seconds QEMU may take to switch over; then the guest stays paused until it is known whether it did.
SWITCH_SECONDS = 60.0


class Step(StrEnum):
    """The steps after the intent, which `Journal.begin` writes, in their order."""

    PAUSED = "paused"
    COMPLETING = "completing"
    CONCLUDED = "concluded"
    OUTCOME = "outcome"
    LIVE = "live"
    STORED = "stored"
    RESUMED = "resumed"


class Outcome(StrEnum):
    """What a pivot came to; the values stand in the journal."""

    COMPLETED = "completed"  # the guest works on the new image
    FAILED = "failed"  # it works on the old one, and the job is over
    KEPT = "kept"  # it works on the old one, and the job goes on as if nothing had been asked


def intent(guest: Guest, job: BlockJob, disk: Disk) -> dict[str, Any]:
    """All that another daemon must know to finish the pivot, with or without QEMU."""
    after = copy.deepcopy(disk)
    changes.SUCCESS[job.kind](after, job)
    stored = changes.stored_disk(guest.persistent, disk)
    return {
        "guest": guest.name,
        "uuid": guest.uuid.hex(),
        "disk": job.disk,
        "drive": disk.alias,
        "job": job.id,
        "running": guest.state == DomainState.RUNNING,
        "source": {"node": chain(disk)[0].format_node, "path": _path(disk)},
        "target": {"node": jobs.target_node(disk, job), "path": _path(after)},
        "unused_nodes": _unused_nodes(disk, after),
        "stored_disk": _followed(stored, after, job) if stored is not None else None,
    }


def _path(disk: Disk) -> str | None:
    return disk.source.local_path or disk.source.name if disk.source else None


def _unused_nodes(disk: Disk, after: Disk) -> list[str]:
    unused = changes.gone(changes.images(disk), after)
    return [node for layer in unused for node in layer.nodes]


def _followed(stored: Disk, after: Disk, job: BlockJob) -> str:
    """The stored definition's disk as it is to become."""
    stored = copy.deepcopy(stored)
    changes.follow(stored, after, job.kind)
    return format_document(stored, "disk", FormatOptions(inactive=True, secure=True))


class Pivot:
    """One pivot under way.  `record` stays open when `run` raises `Uncertain`."""

    def __init__(self, guest: Guest, job: BlockJob, record: Record) -> None:
        self.guest = guest
        self.job = job
        self.record = record
        self.was_running: bool = record.intent["running"]

    async def run(self) -> None:
        """From the written intent to the end.

        Raises:
            VirtError: QEMU refused, and all is as before; or it failed, and the guest works on the old image.
            Uncertain: the guest stands still, and what became of it has to be found out.
        """
        try:
            outcome = await self._run()
        except (VirtError, OSError) as error:
            raise Uncertain(str(error)) from error
        if isinstance(outcome, VirtError):
            raise outcome
        if outcome is Outcome.FAILED:
            raise VirtError(Code.OPERATION_FAILED, f"pivot of disk '{self.job.disk}' failed")

    async def _run(self) -> Outcome | VirtError:
        """The outcome, or why QEMU did not even try."""
        refusal = await self._switch_over()
        if refusal is not None:
            await self._resume()
            await self._close()
            return refusal
        outcome = await self._find_out()
        ending = await self._write_down(outcome)
        await self._resume()
        await self._finish(ending)
        return outcome

    async def _switch_over(self) -> VirtError | None:
        """Pause the guest and have the job completed; returns a refusal, after which all is as before."""
        monitor = self.guest.monitor
        try:
            if self.was_running:
                await machine.stop(monitor)
            self.record.note(Step.PAUSED)
            await self.record.reach(Step.COMPLETING)
            self.job.attended = True
            await commands.job_complete(monitor, self.job.id)
        except QmpError as error:
            self.job.attended = False
            return error
        except OSError as error:
            return not_begun(self.job, error)
        self._show_pivoting()
        async with asyncio.timeout(SWITCH_SECONDS):
            await self._concluded_or_gone()
        self.record.note(Step.CONCLUDED)
        return None

    def _show_pivoting(self) -> None:
        self.job.state = JobState.PIVOTING
        mirror = jobs.disk_of(self.guest, self.job).mirror
        if mirror is not None:
            mirror.ready = "pivot"
        self.guest.save_status_soon()

    async def _concluded_or_gone(self) -> None:
        """Wait for QEMU's word that the job ended, or for QEMU's own end."""
        ended = self.guest.tasks.spawn(_wait(self.job.ended), "pivot")
        try:
            await asyncio.wait({ended, self.guest.monitor.closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()

    async def _find_out(self) -> Outcome:
        """Ask QEMU where the drive is, and write that down for good."""
        outcome = Outcome.COMPLETED if await jobs.has_moved(self.guest, self.job) else Outcome.FAILED
        if outcome is Outcome.FAILED:
            job = (await commands.query_jobs(self.guest.monitor)).get(self.job.id)
            if job is not None and not job.ended:
                raise VirtError(Code.INTERNAL_ERROR, f"block job '{self.job.id}' is {job.status} after its end")
        await self.record.reach(Step.OUTCOME, {"outcome": outcome}, durable=True)
        return outcome

    async def _write_down(self, outcome: Outcome) -> jobs.Ending:
        ending, followed = jobs.change(self.guest, self.job, STATUS[outcome])
        await self.guest.save_status()
        self.record.note(Step.LIVE)
        if followed:
            await self.guest.save_persistent()
        self.record.note(Step.STORED)
        return ending

    async def _resume(self) -> None:
        """Let the guest go on, unless it has stopped for another reason meanwhile."""
        if self.was_running and self.guest.state == DomainState.RUNNING:
            try:
                await machine.cont(self.guest.monitor)
            except QmpError as error:
                log.error("guest %s does not go on after a pivot: %s", self.guest.name, error)
                state_events.paused(self.guest, DomainPausedReason.UNKNOWN)

    async def _finish(self, ending: jobs.Ending) -> None:
        """What need not keep the guest waiting; what fails here is left to the next daemon."""
        self.record.note(Step.RESUMED)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._clean_up(ending))
            tasks.create_task(self._close())
        jobs.tell(self.guest, self.job, ending.disk, ending.status)

    async def _clean_up(self, ending: jobs.Ending) -> None:
        try:
            await jobs.clean_up(self.guest, ending)
        except (VirtError, OSError) as error:
            log.error("guest %s: not all is cleaned up after a pivot: %s", self.guest.name, error)

    async def _close(self) -> None:
        try:
            await self.record.close()
        except OSError as error:
            log.error("%s, which is done with, cannot be removed: %s", self.record.path, error.strerror)


STATUS = {Outcome.COMPLETED: Status.COMPLETED, Outcome.FAILED: Status.FAILED}


class Uncertain(Exception):  # noqa: N818 - a state of affairs
    """It is not known what became of a pivot; the guest stands still."""


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def begin(guest: Guest, job: BlockJob, journal: Journal) -> Pivot:
    """Write the intent; the caller holds the guest's job.

    Raises:
        VirtError: it cannot be written, and so the pivot is not begun.
    """
    disk = jobs.disk_of(guest, job)
    try:
        record = await journal.begin(OPERATION, f"{guest.name}-{job.disk}", intent(guest, job, disk))
    except OSError as error:
        raise not_begun(job, error) from error
    return Pivot(guest, job, record)


def not_begun(job: BlockJob, error: OSError) -> VirtError:
    """The journal cannot be written: nothing is done without it."""
    text = f"cannot write the journal, the pivot of disk '{job.disk}' was not begun: {error.strerror}"
    return VirtError(Code.SYSTEM_ERROR, text)
