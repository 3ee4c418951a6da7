# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API of block jobs."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import Mirror, StorageSource
from drivers.common.blockjobs import COPY_PARAMETERS, LLONG_MAX, MIB, ONLY_WITH_COPY, speed_limit
from drivers.common.guest import not_running
from drivers.common.images import destination
from drivers.common.images.jobkinds import JOB_TYPES
from drivers.common.images.lookup import check_commit, disk_by_name, named_for_commit
from drivers.common.part import refuse
from drivers.qemu.api.base import Part
from drivers.qemu.block import commands, copying, jobs, merging
from drivers.qemu.block.copying import CopyOptions
from drivers.qemu.block.feature import BlockJobs
from drivers.qemu.block.state import BlockJob, JobState
from drivers.qemu.context import QemuContext
from drivers.qemu.guest import Guest
from virtd.enums import DomainBlockCommitFlags as Commit
from virtd.enums import DomainBlockCopyFlags as Copy
from virtd.enums import DomainBlockJobAbortFlags as Abort
from virtd.enums import DomainBlockJobInfoFlags as Info
from virtd.enums import DomainBlockJobSetSpeedFlags as SetSpeed
from virtd.enums import DomainBlockPullFlags as Pull
from virtd.enums import DomainBlockRebaseFlags as Rebase
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import TypedParam, validate_params
from virtd.refs import DomainRef

log = logging.getLogger(__name__)


class BlockJobsApi(Part):
    """virDomainBlockCopy, virDomainBlockRebase, virDomainBlockPull, virDomainBlockCommit and virDomainBlockJob…."""

    def __init__(self, context: QemuContext, feature: BlockJobs) -> None:
        super().__init__(context)
        self._feature = feature

    def _job(self, dom: DomainRef, path: str) -> tuple[Guest, BlockJob]:
        guest, disk = self._live_disk(dom, path)
        return guest, jobs.job_on(guest, disk)

    def _live_disk(self, dom: DomainRef, path: str) -> tuple[Guest, Disk]:
        guest = self._running(dom)
        return guest, disk_by_name(guest.require_active(), path)

    # -- copy

    async def domain_block_copy(
        self, dom: DomainRef, path: str, destxml: str, params: list[TypedParam], flags: int
    ) -> None:
        """virDomainBlockCopy."""
        known = Copy.SHALLOW | Copy.REUSE_EXT | Copy.TRANSIENT_JOB | Copy.SYNCHRONOUS_WRITES
        check_flags(flags, known, "qemuDomainBlockCopy")
        guest = self._guest(dom)
        options = _copy_options(params, flags)
        mirror = destination.parse(destxml)
        await self._copy(guest, path, mirror, options)

    async def _copy(self, guest: Guest, path: str, mirror: Mirror, options: CopyOptions) -> None:
        async with guest.job("modify"):
            if not guest.active:
                raise not_running()
            disk = disk_by_name(guest.require_active(), path)
            await copying.start(guest, disk, mirror, options)

    # -- pull and rebase

    async def domain_block_pull(self, dom: DomainRef, path: str, bandwidth: int, flags: int) -> None:
        """virDomainBlockPull."""
        check_flags(flags, Pull.BANDWIDTH_BYTES, "qemuDomainBlockPull")
        speed = speed_limit(bandwidth, in_bytes=bool(flags & Pull.BANDWIDTH_BYTES))
        await self._pull(self._guest(dom), path, None, speed, relative=False)

    async def domain_block_rebase(
        self, dom: DomainRef, path: str, base: str | None, bandwidth: int, flags: int
    ) -> None:
        """virDomainBlockRebase: a pull, or the older form of a copy."""
        known = ONLY_WITH_COPY | Rebase.COPY | Rebase.RELATIVE | Rebase.BANDWIDTH_BYTES
        check_flags(flags, known, "qemuDomainBlockRebase")
        guest = self._guest(dom)
        if flags & Rebase.COPY:
            if flags & Rebase.RELATIVE:
                raise VirtError(Code.ARGUMENT_UNSUPPORTED, "Relative backing during copy not supported yet")
            speed = speed_limit(bandwidth, in_bytes=bool(flags & Rebase.BANDWIDTH_BYTES))
            await self._copy(guest, path, _rebase_destination(base, flags), _rebase_options(flags, speed))
            return
        if flags & ONLY_WITH_COPY:
            raise refuse("use of flags requires a copy job")
        if flags & Rebase.RELATIVE and base is None:
            raise invalid_arg("flag VIR_DOMAIN_BLOCK_REBASE_RELATIVE is valid only with non-null base")
        speed = speed_limit(bandwidth, in_bytes=bool(flags & Rebase.BANDWIDTH_BYTES))
        await self._pull(guest, path, base, speed, relative=bool(flags & Rebase.RELATIVE))

    async def _pull(self, guest: Guest, path: str, base: str | None, speed: int | None, *, relative: bool) -> None:
        async with guest.job("modify"):
            if not guest.active:
                raise not_running()
            disk = disk_by_name(guest.require_active(), path)
            await merging.start_pull(guest, disk, base, speed=speed, relative=relative)

    # -- commit

    async def domain_block_commit(
        self, dom: DomainRef, disk: str, base: str | None, top: str | None, bandwidth: int, flags: int
    ) -> None:
        """virDomainBlockCommit."""
        known = Commit.SHALLOW | Commit.DELETE | Commit.ACTIVE | Commit.RELATIVE | Commit.BANDWIDTH_BYTES
        check_flags(flags, known, "qemuDomainBlockCommit")
        guest = self._guest(dom)
        speed = speed_limit(bandwidth, in_bytes=bool(flags & Commit.BANDWIDTH_BYTES))
        async with guest.job("modify"):
            found = disk_by_name(guest.definition, disk)
            upper, named = named_for_commit(found, top, base, flags)
            if not guest.active:
                raise not_running()
            lower = check_commit(found, upper, named, flags)
            await merging.start_commit(guest, found, upper, lower, speed=speed, flags=flags)

    # -- jobs

    async def domain_get_block_job_info(
        self, dom: DomainRef, path: str, flags: int
    ) -> tuple[int, int, int, int] | None:
        """virDomainGetBlockJobInfo: type, bandwidth (MiB/s, or bytes/s by flag), done, to do (bytes); None: no job."""
        check_flags(flags, Info.BANDWIDTH_BYTES, "qemuDomainGetBlockJobInfo")
        guest, disk = self._live_disk(dom, path)
        assert guest.runtime is not None
        job = guest.runtime.block.jobs.get(disk.target.dev or "")
        raw = (await commands.query_block_jobs(guest.monitor)).get(job.id) if job else None
        if job is None or raw is None:
            return None
        bandwidth = raw.speed if flags & Info.BANDWIDTH_BYTES else -(-raw.speed // MIB)
        return JOB_TYPES[job.kind], bandwidth, *progress(raw)

    async def domain_block_job_set_speed(self, dom: DomainRef, path: str, bandwidth: int, flags: int) -> None:
        """virDomainBlockJobSetSpeed."""
        check_flags(flags, SetSpeed.BANDWIDTH_BYTES, "qemuDomainBlockJobSetSpeed")
        speed = speed_limit(bandwidth, in_bytes=bool(flags & SetSpeed.BANDWIDTH_BYTES))
        self._live_disk(dom, path)
        async with self._guest(dom).job("modify"):
            guest, job = self._job(dom, path)
            await commands.block_job_set_speed(guest.monitor, job.id, speed or 0)

    async def domain_block_job_abort(self, dom: DomainRef, path: str, flags: int) -> None:
        """virDomainBlockJobAbort: end a job; with PIVOT by moving the guest to its target."""
        check_flags(flags, Abort.ASYNC | Abort.PIVOT, "qemuDomainBlockJobAbort")
        guest, job = self._job(dom, path)
        _refuse_if_ending(job)
        if flags & Abort.PIVOT:
            _refuse_pivot(job)
            # A pivot goes to its end whatever becomes of the client that asked for it.
            work = guest.tasks.spawn(self._pivot(guest, job), f"pivot of {job.disk}")
            if not flags & Abort.ASYNC and (error := await asyncio.shield(work)) is not None:
                raise error
            return
        async with guest.job("modify"):
            guest, job = self._job(dom, path)
            _refuse_if_ending(job)
            await jobs.cancel(guest, job, wait=not flags & Abort.ASYNC)

    async def _pivot(self, guest: Guest, job: BlockJob) -> VirtError | None:
        """Pivot when it is its turn; returns what went wrong, for whoever may still want to know."""
        try:
            async with guest.job("modify"):
                if not guest.active or guest.runtime is None or guest.runtime.block.jobs.get(job.disk) is not job:
                    raise invalid_arg(f"disk {job.disk} does not have an active block job")
                _refuse_if_ending(job)
                _refuse_pivot(job)
                await self._feature.pivot(guest, job)
        except VirtError as error:
            log.error("guest %s: pivot of disk %s: %s", guest.name, job.disk, error)
            return error
        return None


def _refuse_if_ending(job: BlockJob) -> None:
    if job.state in (JobState.ABORTING, JobState.PIVOTING):
        raise operation_invalid(f"block job on disk '{job.disk}' is still being ended")


def _refuse_pivot(job: BlockJob) -> None:
    # Pulls and commits in the middle are never ready.
    if job.state is not JobState.READY:
        raise VirtError(Code.BLOCK_COPY_ACTIVE, f"block job '{job.id}' not ready for pivot yet")


def progress(raw: commands.BlockJobInfo) -> tuple[int, int]:
    """Done and to do, so that they are equal when, and only when, the job is ready: clients wait for that."""
    done, total = raw.offset, raw.length
    if raw.ready:
        return (1, 1) if total == 0 else (done, total)
    if total == 0:
        return done, 1
    return (done - 1 if done == total and done else done), total


def _copy_options(params: list[TypedParam], flags: int) -> CopyOptions:
    values = validate_params(params, COPY_PARAMETERS)
    bandwidth, granularity = int(values.get("bandwidth", 0)), int(values.get("granularity", 0))
    if bandwidth > LLONG_MAX:
        raise invalid_arg(f"bandwidth must be less than '{LLONG_MAX}' bytes/s ({LLONG_MAX // MIB} MiB/s)")
    if granularity & (granularity - 1):
        raise invalid_arg("granularity must be power of 2")
    return CopyOptions(
        shallow=bool(flags & Copy.SHALLOW),
        reuse=bool(flags & Copy.REUSE_EXT),
        transient=bool(flags & Copy.TRANSIENT_JOB),
        synchronous=bool(flags & Copy.SYNCHRONOUS_WRITES),
        speed=bandwidth or None,
        granularity=granularity or None,
        buffer_size=int(values.get("buf-size", 0)) or None,
    )


def _rebase_destination(base: str | None, flags: int) -> Mirror:
    if base is None:
        raise refuse("base in virDomainBlockRebase must not be NULL")
    format_: Final = "raw" if flags & Rebase.COPY_RAW else None
    if flags & Rebase.COPY_DEV:
        return destination.describe("block", StorageSource(dev=base), format_)
    return destination.describe("file", StorageSource(file=base), format_)


def _rebase_options(flags: int, speed: int | None) -> CopyOptions:
    return CopyOptions(shallow=bool(flags & Rebase.SHALLOW), reuse=bool(flags & Rebase.REUSE_EXT), speed=speed)
