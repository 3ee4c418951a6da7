# SPDX-License-Identifier: LGPL-2.1-or-later
"""Block jobs: copies, commits and pulls that progress by the host's clock, become ready, and are pivoted or given up."""

from __future__ import annotations

from typing import Final

from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import Format, Mirror, StorageSource
from drivers.common.blockjobs import COPY_PARAMETERS, MIB, ONLY_WITH_COPY, speed_limit
from drivers.common.images import destination
from drivers.common.images.changes import SUCCESS, follow, stored_disk
from drivers.common.images.jobkinds import JOB_TYPES, JobKind
from drivers.common.images.layers import Layer, chain
from drivers.common.images.lookup import commit_range, find_image
from drivers.common.part import refuse
from drivers.test.base import DomainPart
from drivers.test.counters import DISK_SIZE
from drivers.test.guest import TestGuest
from drivers.test.tuning import disk_of
from drivers.test.work import BlockJob
from virtd.enums import ConnectDomainEventBlockJobStatus as Status
from virtd.enums import DomainBlockCommitFlags as Commit
from virtd.enums import DomainBlockCopyFlags as Copy
from virtd.enums import DomainBlockJobAbortFlags as Abort
from virtd.enums import DomainBlockJobInfoFlags, DomainBlockJobSetSpeedFlags, DomainBlockResizeFlags, DomainEventID
from virtd.enums import DomainBlockPullFlags as Pull
from virtd.enums import DomainBlockRebaseFlags as Rebase
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.params import TypedParam, validate_params
from virtd.refs import DomainRef

#: Bytes that a job has to move of an image that nobody resized.
JOB_SIZE = 1 << 30


class BlockJobApi(DomainPart):
    """virDomainBlockCopy, virDomainBlockPull, virDomainBlockRebase, virDomainBlockCommit, virDomainBlockJob…."""

    # -- beginning

    def domain_block_copy(self, dom: DomainRef, path: str, destxml: str, params: list[TypedParam], flags: int) -> None:
        """virDomainBlockCopy."""
        check_flags(flags, Copy.SHALLOW | Copy.REUSE_EXT | Copy.TRANSIENT_JOB, "testDomainBlockCopy")
        given = validate_params(params, COPY_PARAMETERS)
        guest, disk = self._idle_disk(dom, path)
        self._copy(
            guest, disk, destination.parse(destxml), int(given.get("bandwidth", 0)), shallow=bool(flags & Copy.SHALLOW)
        )

    def _copy(self, guest: TestGuest, disk: Disk, mirror: Mirror, speed: int, *, shallow: bool) -> None:
        mirror.format = mirror.format or Format(type=chain(disk)[0].format)
        mirror.backing_store = disk.backing_store.model_copy(deep=True) if shallow and disk.backing_store else None
        disk.mirror = mirror
        self._begin(guest, disk, BlockJob(JobKind.COPY, speed))

    def domain_block_pull(self, dom: DomainRef, path: str, bandwidth: int, flags: int) -> None:
        """virDomainBlockPull."""
        check_flags(flags, Pull.BANDWIDTH_BYTES, "testDomainBlockPull")
        self._pull(dom, path, None, speed_limit(bandwidth, in_bytes=bool(flags)) or 0)

    def domain_block_rebase(self, dom: DomainRef, path: str, base: str | None, bandwidth: int, flags: int) -> None:
        """virDomainBlockRebase: a pull down to an image, or the older form of a copy."""
        check_flags(flags, ONLY_WITH_COPY | Rebase.COPY | Rebase.BANDWIDTH_BYTES, "testDomainBlockRebase")
        speed = speed_limit(bandwidth, in_bytes=bool(flags & Rebase.BANDWIDTH_BYTES)) or 0
        if not flags & Rebase.COPY:
            if flags & ONLY_WITH_COPY:
                raise refuse("use of flags requires a copy job")
            self._pull(dom, path, base, speed)
            return
        guest, disk = self._idle_disk(dom, path)
        raw: Final = "raw" if flags & Rebase.COPY_RAW else None
        mirror = (
            destination.describe("block", StorageSource(dev=base), raw)
            if flags & Rebase.COPY_DEV
            else destination.describe("file", StorageSource(file=base), raw)
        )
        self._copy(guest, disk, mirror, speed, shallow=bool(flags & Rebase.SHALLOW))

    def _pull(self, dom: DomainRef, path: str, base: str | None, speed: int) -> None:
        guest, disk = self._idle_disk(dom, path)
        layers = _numbered_chain(disk)
        lower = find_image(layers, base, below=layers[0]) if base is not None else None
        self._begin(guest, disk, BlockJob(JobKind.PULL, speed, layers[0].index, lower.index if lower else None))

    def domain_block_commit(
        self, dom: DomainRef, disk: str, base: str | None, top: str | None, bandwidth: int, flags: int
    ) -> None:
        """virDomainBlockCommit."""
        known = Commit.SHALLOW | Commit.DELETE | Commit.ACTIVE | Commit.RELATIVE | Commit.BANDWIDTH_BYTES
        check_flags(flags, known, "testDomainBlockCommit")
        speed = speed_limit(bandwidth, in_bytes=bool(flags & Commit.BANDWIDTH_BYTES)) or 0
        guest, found = self._idle_disk(dom, disk)
        _numbered_chain(found)
        upper, lower = commit_range(found, top, base, flags)
        if upper.top:
            source = lower.source.model_copy(update={"index": lower.index})
            format_ = Format(type=lower.format)
            found.mirror = Mirror(type=lower.element.type, job="active-commit", format=format_, source=source)
        kind = JobKind.ACTIVE_COMMIT if upper.top else JobKind.COMMIT
        self._begin(guest, found, BlockJob(kind, speed, upper.index, lower.index))

    def _idle_disk(self, dom: DomainRef, name: str) -> tuple[TestGuest, Disk]:
        """A running guest's disk that has a medium and no job.

        Raises:
            VirtError: OPERATION_INVALID, INVALID_ARG; BLOCK_COPY_ACTIVE: it has one.
        """
        guest = self._running(dom)
        disk = disk_of(guest.require_active(), name)
        if disk.is_empty:
            raise invalid_arg(f"disk {disk.target.dev} does not have a medium")
        if disk.target.dev in guest.block_jobs:
            raise VirtError(Code.BLOCK_COPY_ACTIVE, f"disk '{disk.target.dev}' already in active block job")
        return guest, disk

    def _begin(self, guest: TestGuest, disk: Disk, job: BlockJob) -> None:
        name = disk.target.dev or ""
        guest.block_jobs[name] = job
        size = guest.disk_sizes.get(name, JOB_SIZE)
        guest.work.begin(name, size, self._seconds(size, job.speed), lambda: _done(guest, name))

    def _seconds(self, size: int, speed: int) -> float:
        return size / speed if speed else self.world.job_seconds

    # -- while it goes on

    def domain_get_block_job_info(self, dom: DomainRef, path: str, flags: int) -> tuple[int, int, int, int] | None:
        """virDomainGetBlockJobInfo: type, bandwidth (MiB/s, or bytes/s by flag), done, to do (bytes); None: no job."""
        check_flags(flags, DomainBlockJobInfoFlags.BANDWIDTH_BYTES, "testDomainGetBlockJobInfo")
        guest = self._running(dom)
        name = disk_of(guest.require_active(), path).target.dev or ""
        job = guest.block_jobs.get(name)
        if job is None:
            return None
        progress = guest.work.progress[name]
        # done and to do are equal when, and only when, it is ready: clients wait for that
        done = progress.end if job.ready else min(progress.current, progress.end - 1)
        return JOB_TYPES[job.kind], job.speed if flags else -(-job.speed // MIB), done, progress.end

    def domain_block_job_set_speed(self, dom: DomainRef, path: str, bandwidth: int, flags: int) -> None:
        """virDomainBlockJobSetSpeed: the rest of the job goes on at the new speed."""
        check_flags(flags, DomainBlockJobSetSpeedFlags.BANDWIDTH_BYTES, "testDomainBlockJobSetSpeed")
        guest, name, job = self._job(dom, path)
        job.speed = speed_limit(bandwidth, in_bytes=bool(flags)) or 0
        if not job.ready:
            progress = guest.work.progress[name]
            progress.reschedule(self._seconds(progress.end - progress.current, job.speed))

    def domain_block_job_abort(self, dom: DomainRef, path: str, flags: int) -> None:
        """virDomainBlockJobAbort: give up a job; with PIVOT end it by moving the guest to its target."""
        check_flags(flags, Abort.ASYNC | Abort.PIVOT, "testDomainBlockJobAbort")
        guest, name, job = self._job(dom, path)
        if flags & Abort.PIVOT and not (job.kind.can_pivot and job.ready):
            raise VirtError(Code.BLOCK_COPY_ACTIVE, f"block job on disk '{name}' not ready for pivot yet")
        _end(
            guest,
            name,
            Status.COMPLETED if flags & Abort.PIVOT or job.ready else Status.CANCELED,
            pivot=bool(flags & Abort.PIVOT),
        )

    def _job(self, dom: DomainRef, path: str) -> tuple[TestGuest, str, BlockJob]:
        guest = self._running(dom)
        name = disk_of(guest.require_active(), path).target.dev or ""
        if name not in guest.block_jobs:
            raise invalid_arg(f"disk {name} does not have an active block job")
        return guest, name, guest.block_jobs[name]

    # -- disks without a job

    def domain_block_resize(self, dom: DomainRef, disk: str, size: int, flags: int) -> None:
        """virDomainBlockResize; `size` in KiB, by flag in bytes."""
        check_flags(flags, DomainBlockResizeFlags.BYTES, "testDomainBlockResize")
        guest = self._running(dom)
        found = disk_of(guest.require_active(), disk)
        if found.is_empty or found.readonly:
            raise VirtError(Code.OPERATION_UNSUPPORTED, f"can't resize empty or readonly disk '{disk}'")
        guest.disk_sizes[found.target.dev or ""] = size if flags else size * 1024

    def domain_block_peek(self, dom: DomainRef, path: str, offset: int, size: int, flags: int) -> bytes:
        """virDomainBlockPeek: images are empty."""
        check_flags(flags, 0, "testDomainBlockPeek")
        guest = self._guest(dom)
        name = disk_of(guest.definition, path).target.dev or ""
        available = guest.disk_sizes.get(name, DISK_SIZE) - offset
        if available < size:
            raise invalid_arg(f"'{path}' starting from {offset} has only {max(available, 0)} bytes available")
        return bytes(size)

    def domain_set_block_threshold(self, dom: DomainRef, dev: str, threshold: int, flags: int) -> None:
        """virDomainSetBlockThreshold: nobody writes to these disks, so it is never reached."""
        check_flags(flags, 0, "testDomainSetBlockThreshold")
        disk_of(self._running(dom).require_active(), dev.partition("[")[0])


def _numbered_chain(disk: Disk) -> list[Layer]:
    """The images of a disk, each with a number that no other of them has."""
    layers = chain(disk)
    used = {layer.index for layer in layers}
    for layer in layers:
        if not layer.index:
            layer.index = next(number for number in range(1, len(used) + 2) if number not in used)
            used.add(layer.index)
    return layers


def _done(guest: TestGuest, name: str) -> None:
    """All data has been moved: a mirror is ready, a merge is over."""
    job = guest.block_jobs[name]
    if not job.kind.can_pivot:
        _end(guest, name, Status.COMPLETED, pivot=False)
        return
    job.ready = True
    disk = disk_of(guest.require_active(), name)
    if disk.mirror is not None:
        disk.mirror.ready = "yes"
    _tell(guest, name, job, Status.READY)


def _end(guest: TestGuest, name: str, status: int, *, pivot: bool) -> None:
    """A job is over; what it was for holds from now on, for the stored definition too where that has the same disk."""
    job = guest.block_jobs.pop(name)
    guest.work.finish(name)
    live = disk_of(guest.require_active(), name)
    if status == Status.COMPLETED and (pivot or not job.kind.can_pivot):
        stored = stored_disk(guest.persistent, live)
        SUCCESS[job.kind](live, job)
        if stored is not None:
            follow(stored, live, job.kind)
    live.mirror = None
    _tell(guest, name, job, status)


def _tell(guest: TestGuest, name: str, job: BlockJob, status: int) -> None:
    """Both events: with the image's path, and with the disk's name."""
    source = disk_of(guest.require_active(), name).source
    guest.emit(DomainEventID.BLOCK_JOB, (source and source.local_path) or "", JOB_TYPES[job.kind], status)
    guest.emit(DomainEventID.BLOCK_JOB_2, name, JOB_TYPES[job.kind], status)
