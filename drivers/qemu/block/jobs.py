# SPDX-License-Identifier: LGPL-2.1-or-later
"""A block job's life: registered and saved before QEMU hears of it, settled by what QEMU says at its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from conf.domain.devices.disk import Disk
from drivers.common.images import changes
from drivers.common.images.jobkinds import JOB_TYPES, JobKind
from drivers.common.images.layers import Layer, chain, mirror_chain
from drivers.qemu.block import access, commands
from drivers.qemu.block.state import BlockJob, JobState
from drivers.qemu.guest import Guest
from drivers.qemu.monitor import MonitorTimeout
from virtd.enums import ConnectDomainEventBlockJobStatus as Status
from virtd.enums import DomainEventID
from virtd.errors import Code, VirtError, invalid_arg
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: Seconds a call waits for a job it has cancelled; after that the job is settled when its end is told.
CANCEL_SECONDS = 60.0


@dataclass(slots=True)
class Ending:
    """How a job ended: `status` is a `virConnectDomainEventBlockJobStatus`, `unused` the images no longer open."""

    job: BlockJob
    disk: Disk
    status: int
    unused: list[Layer]


def disk_of(guest: Guest, job: BlockJob) -> Disk:
    """The disk a job works on.

    Raises:
        VirtError: INTERNAL_ERROR, it was unplugged.
    """
    for disk in guest.require_active().devices.disks:
        if disk.target.dev == job.disk:
            return disk
    raise VirtError(Code.INTERNAL_ERROR, f"disk '{job.disk}' of block job '{job.id}' is gone")


def job_on(guest: Guest, disk: Disk) -> BlockJob:
    """The job under way on a disk.

    Raises:
        VirtError: INVALID_ARG: none.
    """
    job = guest.runtime.block.jobs.get(disk.target.dev or "") if guest.runtime else None
    if job is None:
        raise invalid_arg(f"disk {disk.target.dev} does not have an active block job")
    return job


def refuse_if_busy(guest: Guest, disk: Disk) -> None:
    """One job a disk.

    Raises:
        VirtError: BLOCK_COPY_ACTIVE.
    """
    if guest.runtime and disk.target.dev in guest.runtime.block.jobs:
        raise VirtError(Code.BLOCK_COPY_ACTIVE, f"disk '{disk.target.dev}' already in active block job")


async def start(guest: Guest, job: BlockJob, begin: Callable[[], Awaitable[None]]) -> None:
    """Note the job, then let `begin` ask QEMU for it; the caller holds the guest's job and has changed the XML.

    Raises:
        VirtError: QEMU refused: the job is forgotten again.  Where it did not answer, the job stays
            noted: should it have been started, its events are understood.
    """
    runtime = guest.runtime
    assert runtime is not None
    runtime.block.jobs[job.disk] = job
    try:
        await guest.save_status()
        await begin()
    except MonitorTimeout:
        raise
    except BaseException:
        runtime.block.jobs.pop(job.disk, None)
        guest.save_status_soon()
        raise
    if job.state is JobState.NEW:
        job.state = JobState.RUNNING
    await guest.save_status()


def became_ready(guest: Guest, job: BlockJob) -> None:
    """Both images are equal from now on."""
    if job.state not in (JobState.NEW, JobState.RUNNING):
        return
    job.state = JobState.READY
    disk = disk_of(guest, job)
    if disk.mirror is not None:
        disk.mirror.ready = "yes"
    guest.save_status_soon()
    tell(guest, job, disk, Status.READY)


def tell(guest: Guest, job: BlockJob, disk: Disk, status: int) -> None:
    """Both events of a job: one names the image, the other the disk."""
    type_ = JOB_TYPES[job.kind]
    path = disk.source.local_path if disk.source else None
    guest.emit(DomainEventID.BLOCK_JOB, path or "", type_, status)
    guest.emit(DomainEventID.BLOCK_JOB_2, job.disk, type_, status)


async def cancel(guest: Guest, job: BlockJob, *, wait: bool) -> None:
    """End a job without switching over; `wait`: until that is done.

    Raises:
        VirtError: QEMU refused, or did not get to it in time.
    """
    await commands.block_job_cancel(guest.monitor, job.id, force=False)
    job.state = JobState.ABORTING
    disk = disk_of(guest, job)
    if disk.mirror is not None:
        disk.mirror.ready = "abort"
    await guest.save_status()
    if wait:
        await attend(guest, job)


async def attend(guest: Guest, job: BlockJob) -> None:
    """Wait for a job's end and settle it; the caller holds the guest's job.

    Raises:
        VirtError: OPERATION_TIMEOUT; its end will be seen to when it comes.
    """
    job.attended = True
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            await job.ended.wait()
    except TimeoutError:
        job.attended = False
        raise VirtError(Code.OPERATION_TIMEOUT, f"block job '{job.id}' does not end") from None
    finally:
        job.attended = False
    await settle(guest, job)


async def settle(guest: Guest, job: BlockJob) -> None:
    """A job is over: find out how, write it down, clean up, tell.  Does nothing when that was done before."""
    if guest.runtime is None or guest.runtime.block.jobs.get(job.disk) is not job:
        return
    found = (await commands.query_jobs(guest.monitor)).get(job.id)
    if found is not None and not found.ended:
        return
    status = await judge(guest, job, found)
    ending = await write_down(guest, job, status)
    await clean_up(guest, ending)
    tell(guest, job, ending.disk, status)


async def judge(guest: Guest, job: BlockJob, found: commands.JobInfo | None) -> int:
    """The status a job ended with.  For one that can move the guest to another image, that image decides."""
    if job.kind.can_pivot:
        if await has_moved(guest, job):
            return Status.COMPLETED
    elif job.state is not JobState.ABORTING and (found is None or found.error is None):
        return Status.COMPLETED
    if found is not None and found.error is not None and job.state is not JobState.ABORTING:
        log.error("guest %s: block job %s failed: %s", guest.name, job.id, found.error)
        return Status.FAILED
    return Status.CANCELED


async def has_moved(guest: Guest, job: BlockJob) -> bool:
    """Whether the guest's drive works on the job's target now.

    Raises:
        VirtError: INTERNAL_ERROR: it works on something that is neither.
    """
    disk = disk_of(guest, job)
    node = await commands.node_of_drive(guest.monitor, disk.alias or "")
    if node == target_node(disk, job):
        return True
    if node == chain(disk)[0].format_node:
        return False
    raise VirtError(Code.INTERNAL_ERROR, f"disk '{job.disk}' is on the unknown block node '{node}'")


def target_node(disk: Disk, job: BlockJob) -> str:
    """The node the guest works on after a pivot."""
    if job.kind is JobKind.COPY:
        return mirror_chain(disk)[0].format_node
    return next(layer.format_node for layer in chain(disk) if layer.index == job.base)


async def write_down(guest: Guest, job: BlockJob, status: int) -> Ending:
    """Change the XML, live and stored, to what is now, and save both."""
    ending, stored = change(guest, job, status)
    await guest.save_status()
    if stored:
        await guest.save_persistent()
    return ending


def change(guest: Guest, job: BlockJob, status: int) -> tuple[Ending, bool]:
    """Change the XML in memory; returns also whether the stored definition changed."""
    runtime = guest.runtime
    assert runtime is not None
    disk = disk_of(guest, job)
    before = changes.images(disk)
    stored = changes.stored_disk(guest.persistent, disk)
    followed = False
    if status == Status.COMPLETED:
        changes.SUCCESS[job.kind](disk, job)
        followed = stored is not None and changes.follow(stored, disk, job.kind)
    else:
        disk.mirror = None
    runtime.block.jobs.pop(job.disk, None)
    return Ending(job, disk, status, changes.gone(before, disk)), followed


async def clean_up(guest: Guest, ending: Ending) -> None:
    """Dismiss the job, close the images that are no longer used, give their files back, remove those that were to go."""
    nodes = [node for layer in ending.unused for node in layer.nodes]
    # QEMU does this in the order in which it is told, so that nobody has to wait for each answer.
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(dismiss(guest, ending.job.id))
        tasks.create_task(close_nodes(guest, nodes))
    await access.revoke(guest, ending.unused)
    if ending.job.delete and ending.status == Status.COMPLETED:
        for layer in ending.unused:
            if layer.path is not None:
                await in_thread(_unlink, guest, layer.path)


async def dismiss(guest: Guest, job: str) -> None:
    """Take a concluded job from QEMU's list, if it is there; never fails."""
    with contextlib.suppress(VirtError):
        await commands.job_dismiss(guest.monitor, job)


async def close_images(guest: Guest, layers: list[Layer]) -> None:
    """Close nodes, the upper ones first, and give the files back."""
    await close_nodes(guest, [node for layer in layers for node in layer.nodes])
    await access.revoke(guest, layers)


async def close_nodes(guest: Guest, nodes: list[str]) -> None:
    """Close those of the nodes that are still open, in this order; never fails: the next daemon tries again."""

    async def close(node: str) -> None:
        with contextlib.suppress(VirtError):
            await commands.blockdev_del(guest.monitor, node)

    async with asyncio.TaskGroup() as tasks:
        for node in nodes:
            tasks.create_task(close(node))


def _unlink(guest: Guest, path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        log.warning("guest %s: %s, merged into its base, cannot be removed: %s", guest.name, path, error)
