# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's job: the one thing that takes long and that clients can watch and give up."""

from __future__ import annotations

from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.enums import DomainAbortJobFlags, DomainGetJobStatsFlags, DomainJobOperation, DomainJobType
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef


class JobApi(DomainPart):
    """virDomainGetJobInfo, virDomainGetJobStats, virDomainAbortJob."""

    def domain_get_job_info(self, dom: DomainRef) -> tuple[int, ...]:
        """virDomainGetJobInfo: type, ms passed and left; bytes in all, done, left, of data, memory and files."""
        guest = self._running(dom)
        progress = guest.work.progress.get(None)
        if progress is None:
            return (DomainJobType.NONE,) + (0,) * 11
        left = progress.end - progress.current
        remaining = max(0, int((progress.seconds - progress.elapsed) * 1000))
        sizes = progress.end, progress.current, left
        return (DomainJobType.BOUNDED, int(progress.elapsed * 1000), remaining, *sizes, *sizes, 0, 0, 0)

    def domain_get_job_stats(self, dom: DomainRef, flags: int) -> tuple[int, list[TypedParam]]:
        """virDomainGetJobStats: of the job that is under way, or of the one completed last."""
        known = DomainGetJobStatsFlags.COMPLETED | DomainGetJobStatsFlags.KEEP_COMPLETED
        check_flags(flags, known, "testDomainGetJobStats")
        guest = self._guest(dom)
        if flags & DomainGetJobStatsFlags.COMPLETED:
            completed = guest.completed_job
            if not flags & DomainGetJobStatsFlags.KEEP_COMPLETED:
                guest.completed_job = None
            return (DomainJobType.NONE, []) if completed is None else (DomainJobType.COMPLETED, completed)
        self._running(dom)
        return (DomainJobType.BOUNDED if None in guest.work.progress else DomainJobType.NONE), job_stats(guest)

    def domain_abort_job_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainAbortJobFlags."""
        check_flags(flags, DomainAbortJobFlags.POSTCOPY, "testDomainAbortJobFlags")
        guest = self._running(dom)
        if guest.give_up is None:
            raise operation_invalid("no job is active on the domain")
        guest.give_up()


def job_stats(guest: TestGuest) -> list[TypedParam]:
    """What is known of the job that is under way; nothing if there is none."""
    progress, params = guest.work.progress.get(None), ParamList()
    if progress is None:
        return params
    params.add_int("operation", DomainJobOperation.MIGRATION_OUT)
    params.add_ullong("time_elapsed", int(progress.elapsed * 1000))
    for what in ("data", "memory"):
        params.add_ullong(f"{what}_total", progress.end)
        params.add_ullong(f"{what}_processed", progress.current)
        params.add_ullong(f"{what}_remaining", progress.end - progress.current)
    return params


def begin_job(guest: TestGuest) -> None:
    """Refuse a job beside another.

    Raises:
        VirtError: OPERATION_INVALID.
    """
    if None in guest.work.progress:
        raise VirtError(Code.OPERATION_INVALID, "another job is active on the domain")
