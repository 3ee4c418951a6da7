# SPDX-License-Identifier: LGPL-2.1-or-later
"""Block jobs as a feature of guests: QEMU's events, the status file, the journal, the daemon's restart."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from lxml.etree import _Element as Element

from drivers.qemu.block import commands, jobs, leftovers, pivot, recovery
from drivers.qemu.block.pivot import Outcome, Step
from drivers.qemu.block.state import BlockJob, BlockState, JobState
from drivers.qemu.context import QemuContext
from drivers.qemu.feature import Feature
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import state_events
from drivers.qemu.monitor import MonitorGone
from virtd.enums import DomainPausedReason, DomainState
from virtd.errors import Code, VirtError
from virtd.store import files
from virtd.store.journal import Journal, Record
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: Seconds between two attempts to settle a pivot with a QEMU that does not answer.
RETRY_SECONDS = 5.0
#: Seconds the daemon's end waits for a pivot: the next daemon finds its record.
FAREWELL_SECONDS = 3.0


class BlockJobs(Feature):
    """The block jobs of all guests.  `records` are the pivots not over, by their guest's uuid."""

    status_element = "blockjobs"

    def __init__(self, context: QemuContext) -> None:
        self._context = context
        self.journal = Journal(context.paths.lib / "journal")
        self.records: dict[bytes, list[Record]] = {}

    # -- the daemon's start

    async def load(self) -> None:
        """Read the journal; before any guest is looked for."""
        try:
            found = await self.journal.load()
        except OSError as error:
            log.critical("the journal cannot be read, interrupted pivots are not settled: %s", error)
            return
        for record in found:
            if record.operation != pivot.OPERATION:
                continue
            if recovery.valid(record):
                self.records.setdefault(bytes.fromhex(record.intent["uuid"]), []).append(record)
            else:
                await in_thread(files.set_aside, record.path, "its intent is incomplete")

    async def report_orphans(self) -> None:
        """Say what is left of pivots whose guest no longer runs; after all guests were found."""
        for uuid, records in list(self.records.items()):
            guest = self._context.guests.by_uuid(uuid)
            if guest is None:
                for record in records:
                    log.error("guest %s is gone: %s", record.intent["guest"], recovery.text(record, None))
            elif not guest.active:
                await self._without_qemu(guest)

    # -- the feature

    def save_status(self, guest: Guest) -> Element | None:
        return guest.runtime.block.to_element() if guest.runtime else None

    def load_status(self, guest: Guest, element: Element) -> None:
        assert guest.runtime is not None
        try:
            guest.runtime.block = BlockState.from_element(element)
        except (KeyError, ValueError) as error:
            log.error("guest %s: its block jobs cannot be read and are not followed: %s", guest.name, error)

    async def guest_found(self, guest: Guest) -> None:
        # What cannot be settled now must not keep the guest from being found.
        for record in list(self.records.get(guest.uuid, ())):
            try:
                await self._recover(guest, record)
            except (VirtError, OSError) as error:
                log.error("guest %s: an interrupted pivot cannot be settled yet: %s", guest.name, error)
                guest.tasks.spawn(self._settle_later(guest, record), "settle a pivot")
                return
        await self._bring_in_line(guest)

    async def guest_let_go(self, guest: Guest) -> None:
        """A pivot under way comes to its end first: the guest must not be left paused for a restart's sake."""
        if guest.runtime is not None and guest.runtime.block.pivoting:
            try:
                async with guest.jobs.hold("modify", wait=FAREWELL_SECONDS):
                    pass
            except VirtError:
                log.warning("guest %s: QEMU does not end a pivot; the next daemon settles it", guest.name)

    def guest_redefined(self, guest: Guest) -> None:
        """Whoever redefines a guest that does not run has seen to its disks: its open records are done with."""
        if not guest.active and guest.uuid in self.records:
            guest.tasks.spawn(self._clear(guest), "clear interrupted pivots")

    async def guest_ended(self, guest: Guest) -> None:
        await self._without_qemu(guest)

    def on_event(self, guest: Guest, name: str, data: dict[str, Any]) -> None:
        if name != "JOB_STATUS_CHANGE" or guest.runtime is None:
            return
        job = next((j for j in guest.runtime.block.jobs.values() if j.id == data.get("id")), None)
        if job is None:
            return
        if data.get("status") == "ready":
            jobs.became_ready(guest, job)
        elif data.get("status") == "concluded":
            job.ended.set()
            if not job.attended:
                guest.tasks.spawn(self._settle(guest, job), f"end of {job.id}")

    async def _settle(self, guest: Guest, job: BlockJob) -> None:
        try:
            async with guest.job("modify"):
                await jobs.settle(guest, job)
        except MonitorGone:
            log.debug("guest %s ended with its block job %s", guest.name, job.id)
        except VirtError as error:
            log.error("guest %s: the end of block job %s cannot be settled: %s", guest.name, job.id, error)

    async def _bring_in_line(self, guest: Guest) -> None:
        """Jobs and nodes of a guest whose pivots are settled."""
        try:
            await self._reconcile(guest)
            await leftovers.clear(guest)
        except VirtError as error:
            log.error("guest %s: its block jobs cannot be followed: %s", guest.name, error)

    async def _reconcile(self, guest: Guest) -> None:
        """What became of the jobs while no daemon watched."""
        assert guest.runtime is not None
        if not guest.runtime.block.jobs:
            return
        known = await commands.query_jobs(guest.monitor)
        for job in list(guest.runtime.block.jobs.values()):
            found = known.get(job.id)
            if found is None or found.ended:
                await jobs.settle(guest, job)
            elif found.status == "ready":
                jobs.became_ready(guest, job)
            elif job.state is JobState.NEW:
                job.state = JobState.RUNNING

    # -- pivots

    async def pivot(self, guest: Guest, job: BlockJob) -> None:
        """Move the guest to the job's target; the caller holds the guest's job.

        Raises:
            VirtError: the guest's disk is the old one; or, with OPERATION_FAILED, the guest stands still
                until it is known which it is.
        """
        assert guest.runtime is not None
        block = guest.runtime.block
        one = await pivot.begin(guest, job, self.journal)
        self.records.setdefault(guest.uuid, []).append(one.record)
        block.pivoting = True
        try:
            await one.run()
        except pivot.Uncertain as error:
            block.pivoting = False
            self._leave_paused(guest, one.record)
            text = f"the outcome of the pivot of disk '{job.disk}' is not known yet, the guest stays paused: {error}"
            raise VirtError(Code.OPERATION_FAILED, text) from error
        except VirtError:
            self._forget(guest, one.record)
            raise
        else:
            self._forget(guest, one.record)
        finally:
            block.pivoting = False

    def _forget(self, guest: Guest, record: Record) -> None:
        left = [r for r in self.records.pop(guest.uuid, []) if r is not record]
        if left:
            self.records[guest.uuid] = left

    def _leave_paused(self, guest: Guest, record: Record) -> None:
        if guest.state == DomainState.RUNNING and record.intent["running"]:
            state_events.paused(guest, DomainPausedReason.UNKNOWN)
        guest.tasks.spawn(self._settle_later(guest, record), "settle a pivot")

    async def _settle_later(self, guest: Guest, record: Record) -> None:
        """Try until QEMU answers or is gone."""
        runtime = guest.runtime
        while guest.runtime is runtime and record in self.records.get(guest.uuid, ()):
            try:
                async with guest.job("modify"):
                    if guest.runtime is runtime:
                        await self._recover(guest, record)
                        await self._bring_in_line(guest)
                    return
            except (VirtError, OSError) as error:
                log.error("guest %s: %s", guest.name, error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _recover(self, guest: Guest, record: Record) -> None:
        await recovery.recover(guest, record)
        self._forget(guest, record)

    async def _without_qemu(self, guest: Guest) -> None:
        """QEMU is gone: what was written is carried out, what was not stays written until a person has seen it."""
        for record in list(self.records.get(guest.uuid, ())):
            step = record.step(Step.OUTCOME)
            outcome = Outcome(step.data["outcome"]) if step else None
            if outcome is None and record.step(Step.COMPLETING) is None:
                outcome = Outcome.FAILED
            recovery.report(guest, recovery.text(record, outcome))
            if outcome is None:
                continue
            try:
                await recovery.follow(guest, record, outcome)
                await record.close()
            except (VirtError, OSError) as error:
                log.error("guest %s: its stored definition does not follow yet: %s", guest.name, error)
            else:
                self._forget(guest, record)

    async def _clear(self, guest: Guest) -> None:
        for record in self.records.pop(guest.uuid, []):
            message = recovery.text(record, None)
            guest.messages = [m for m in guest.messages if m != message]
            await record.close()
