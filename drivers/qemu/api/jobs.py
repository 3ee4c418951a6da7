# SPDX-License-Identifier: LGPL-2.1-or-later
"""Long jobs of a domain: what runs, how far it is."""

from __future__ import annotations

from drivers.common.guest import not_running
from drivers.qemu.api.base import Part
from virtd.enums import DomainAbortJobFlags, DomainGetJobStatsFlags, DomainJobType
from virtd.errors import check_flags, operation_invalid
from virtd.params import TypedParam
from virtd.refs import DomainRef

_STATS_FLAGS = DomainGetJobStatsFlags.COMPLETED | DomainGetJobStatsFlags.KEEP_COMPLETED


class JobsApi(Part):
    """virDomainGetJobInfo, virDomainGetJobStats, virDomainAbortJob.  The driver has no long jobs yet."""

    def domain_get_job_info(self, dom: DomainRef) -> tuple[int, ...]:
        """virDomainGetJobInfo: type, two times, three sizes each of data, memory and files."""
        self._running(dom)
        return (DomainJobType.NONE, *[0] * 11)

    def domain_get_job_stats(self, dom: DomainRef, flags: int) -> tuple[int, list[TypedParam]]:
        """virDomainGetJobStats."""
        check_flags(flags, _STATS_FLAGS, "qemuDomainGetJobStats")
        guest = self._guest(dom)
        if not guest.active and not flags & DomainGetJobStatsFlags.COMPLETED:
            raise not_running()
        return DomainJobType.NONE, []

    def domain_abort_job_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainAbortJobFlags."""
        check_flags(flags, DomainAbortJobFlags.POSTCOPY, "qemuDomainAbortJobFlags")
        self._running(dom)
        if flags & DomainAbortJobFlags.POSTCOPY:
            raise operation_invalid("current job is not outgoing migration in post-copy mode")
        raise operation_invalid("no job is active on the domain")
