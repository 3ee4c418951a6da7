# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finishing a pivot that was interrupted: by the daemon's end, by a QEMU that did not answer, by QEMU's own end.

The record says how far it came, QEMU where the drive is.  A job that was never told to complete is left as
it is.  One that was, is completed: the guest stands still, so that this loses nothing, and only its end
makes the answer final.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from typing import Any

from conf.binding import ParseOptions, parse_document
from conf.binding.reading import read
from conf.domain.devices.disk import Disk
from conf.errors import ConfError
from drivers.qemu import commands as machine
from drivers.qemu.block import commands, jobs
from drivers.qemu.block.pivot import STATUS, Outcome, Step
from drivers.qemu.block.state import BlockJob, JobState
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import state_events
from drivers.qemu.monitor import QmpError
from virtd.enums import DomainPausedReason, DomainState
from virtd.errors import Code, VirtError
from virtd.store.journal import Record

log = logging.getLogger(__name__)

UUID_HEX = re.compile("[0-9a-f]{32}", re.ASCII)

POLL_SECONDS = 0.05
#: Seconds one attempt waits for a job to end.
PATIENCE = 60.0


async def recover(guest: Guest, record: Record) -> Outcome:
    """Settle a pivot with the help of a running QEMU; the caller holds the guest's job.  May be repeated.

    Raises:
        VirtError, OSError: it could not be settled; the record stays, and so does the guest's pause.
    """
    outcome = _written(record)
    if outcome is None:
        outcome = await _ask(guest, record)
        await record.reach(Step.OUTCOME, {"outcome": outcome}, durable=True)
    await _apply(guest, record, outcome)
    await _tell_and_resume(guest, record, outcome)
    await record.close()
    return outcome


def _written(record: Record) -> Outcome | None:
    step = record.step(Step.OUTCOME)
    return Outcome(step.data["outcome"]) if step else None


async def _ask(guest: Guest, record: Record) -> Outcome:
    """What QEMU says."""
    monitor, job = guest.monitor, record.intent["job"]
    if record.step(Step.COMPLETING) is None:
        return Outcome.KEPT
    if (await machine.query_status(monitor)).running:
        await machine.stop(monitor)
    async with asyncio.timeout(PATIENCE):
        while (found := (await commands.query_jobs(monitor)).get(job)) is not None and not found.ended:
            if found.status == "ready":
                with contextlib.suppress(QmpError):  # it is being completed already
                    await commands.job_complete(monitor, job)
            await asyncio.sleep(POLL_SECONDS)
    node = await commands.node_of_drive(monitor, record.intent["drive"])
    for outcome, end in ((Outcome.COMPLETED, "target"), (Outcome.FAILED, "source")):
        if node == record.intent[end]["node"]:
            return outcome
    raise VirtError(Code.INTERNAL_ERROR, f"disk '{record.intent['disk']}' is on the unknown block node '{node}'")


async def _apply(guest: Guest, record: Record, outcome: Outcome) -> None:
    """Bring the definitions, the status file and QEMU's nodes in line with the outcome."""
    job = _job(guest, record)
    if outcome is Outcome.KEPT:
        if job is not None:
            _show_ready(guest, job)
            await guest.save_status()
        return
    ending = None
    if job is not None:
        ending, _ = jobs.change(guest, job, STATUS[outcome])
        await guest.save_status()
    await follow(guest, record, outcome)
    if ending is not None:
        await jobs.clean_up(guest, ending)
        jobs.tell(guest, ending.job, ending.disk, ending.status)
        return
    await jobs.dismiss(guest, record.intent["job"])
    if outcome is Outcome.COMPLETED:
        await jobs.close_nodes(guest, record.intent["unused_nodes"])


def _job(guest: Guest, record: Record) -> BlockJob | None:
    """The record's job, as long as the definitions do not know of its end."""
    runtime = guest.runtime
    job = runtime.block.jobs.get(record.intent["disk"]) if runtime else None
    return job if job is not None and job.id == record.intent["job"] else None


def _show_ready(guest: Guest, job: BlockJob) -> None:
    job.state = JobState.READY
    mirror = jobs.disk_of(guest, job).mirror
    if mirror is not None:
        mirror.ready = "yes"


async def follow(guest: Guest, record: Record, outcome: Outcome) -> None:
    """Bring the stored definition in line, which needs no QEMU.

    Raises:
        OSError: it cannot be written.
    """
    text = record.intent["stored_disk"]
    if outcome is not Outcome.COMPLETED or text is None or guest.persistent is None:
        return
    try:
        disk = read(Disk, parse_document(text, "disk", what="disk_definition"), ParseOptions())
    except ConfError as error:
        raise VirtError(Code.INTERNAL_ERROR, f"the journal's disk cannot be read: {error}") from error
    disks = guest.persistent.devices.disks
    places = [n for n, old in enumerate(disks) if old.target.dev == disk.target.dev and old != disk]
    for place in places:
        disks[place] = disk
    if places:
        await guest.save_persistent()


async def _tell_and_resume(guest: Guest, record: Record, outcome: Outcome) -> None:
    """Say what came out; let the guest go on only where the administrator wants that."""
    stands_still = record.intent["running"] and not (await machine.query_status(guest.monitor)).running
    resume = stands_still and guest.context.settings.block_pivot_recovery == "resume"
    if resume:
        await machine.cont(guest.monitor)
    elif stands_still and guest.state == DomainState.RUNNING:
        state_events.paused(guest, DomainPausedReason.UNKNOWN)
    report(guest, text(record, outcome, paused=stands_still and not resume))


def report(guest: Guest, message: str) -> None:
    """Keep a message for virDomainGetMessages, and log it."""
    log.warning("guest %s: %s", guest.name, message)
    if message not in guest.messages:
        guest.messages.append(message)


_WORDS = {
    Outcome.COMPLETED: "was completed: the guest's disk is {target}",
    Outcome.FAILED: "failed: the guest's disk is still {source}",
    Outcome.KEPT: "was not begun: the guest's disk is still {source}, and the block job goes on",
}
_UNSETTLED = (
    "from {source} to {target} was not settled before QEMU ended; {source} holds all that the guest has written"
)


def text(record: Record, outcome: Outcome | None, *, paused: bool = False) -> str:
    """What is to be said of a pivot that was interrupted; `outcome` None: QEMU ended before it was settled."""
    ends = {end: record.intent[end]["path"] for end in ("source", "target")}
    words = _WORDS[outcome] if outcome else _UNSETTLED
    said = f"the interrupted pivot of disk '{record.intent['disk']}' " + words.format(**ends)
    return said + "; the guest was left paused" if paused else said


def valid(record: Record) -> bool:
    """Whether a record of this operation can be used: state files are not trusted."""
    intent = record.intent
    return (
        all(isinstance(intent.get(name), kind) for name, kind in _KINDS.items())
        and UUID_HEX.fullmatch(intent["uuid"]) is not None
        and all(_is_end(intent[end]) for end in ("source", "target"))
        and all(step.data.get("outcome") in tuple(Outcome) for step in record.steps if step.name == Step.OUTCOME)
    )


_KINDS = {
    "guest": str,
    "uuid": str,
    "disk": str,
    "drive": str,
    "job": str,
    "running": bool,
    "source": dict,
    "target": dict,
    "unused_nodes": list,
    "stored_disk": str | None,
}


def _is_end(end: dict[str, Any]) -> bool:
    return isinstance(end.get("node"), str) and isinstance(end.get("path"), str | None)
