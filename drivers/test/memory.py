# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory a guest has and may have."""

from __future__ import annotations

from conf.domain.devices.memballoon import MemballoonStats
from drivers.common.part import IMPACT, refuse
from drivers.common.state import current_memory
from drivers.test.base import DomainPart
from virtd.enums import DomainEventID, DomainMemoryModFlags
from virtd.enums import DomainMemoryStatTags as Tag
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.refs import DomainRef

#: Seconds since 1970 when the guest's balloon driver told its numbers.
_LAST_TOLD = 627319920


class MemoryApi(DomainPart):
    """virDomainGetMaxMemory, virDomainSetMemory…, virDomainMemoryStats, virDomainMemoryPeek."""

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        """virDomainGetMaxMemory, in KiB."""
        return self._guest(dom).definition.memory

    def domain_set_memory_flags(self, dom: DomainRef, memory: int, flags: int) -> None:
        """virDomainSetMemoryFlags; `memory` in KiB."""
        check_flags(flags, IMPACT | DomainMemoryModFlags.MAXIMUM, "testDomainSetMemoryFlags")
        guest = self._guest(dom)
        maximum = flags & DomainMemoryModFlags.MAXIMUM
        if maximum and guest.active and flags & IMPACT != DomainMemoryModFlags.CONFIG:
            raise operation_invalid("cannot resize the maximum memory on an active domain")
        changed = self._changed(dom, flags)
        if not maximum and any(memory > found.memory for found in changed):
            raise invalid_arg("cannot set memory higher than max memory")
        for found in changed:
            if maximum:
                found.memory = memory
                found.current_memory = None if found.current_memory is None else min(found.current_memory, memory)
            else:
                found.current_memory = memory
        if guest.active and not maximum:
            guest.emit(DomainEventID.BALLOON_CHANGE, current_memory(guest))

    def domain_set_memory_stats_period(self, dom: DomainRef, period: int, flags: int) -> None:
        """virDomainSetMemoryStatsPeriod, in seconds."""
        check_flags(flags, IMPACT, "testDomainSetMemoryStatsPeriod")
        if period < 0:
            raise refuse("period in virDomainSetMemoryStatsPeriod must be zero or greater")
        balloons = [found.devices.memballoon for found in self._changed(dom, flags)]
        for balloon in balloons:
            if balloon is None or not balloon.model.startswith("virtio"):
                text = "No memory balloon device configured, can not set the collection period"
                raise VirtError(Code.INTERNAL_ERROR, text)
            balloon.stats = MemballoonStats(period=period)

    def domain_memory_stats(self, dom: DomainRef, flags: int) -> list[tuple[int, int]]:
        """virDomainMemoryStats: (tag, value) pairs, in KiB."""
        check_flags(flags, 0, "testDomainMemoryStats")
        current = current_memory(self._running(dom))
        return [
            (Tag.ACTUAL_BALLOON, current),
            (Tag.SWAP_IN, 0),
            (Tag.SWAP_OUT, 0),
            (Tag.MAJOR_FAULT, 0),
            (Tag.MINOR_FAULT, 0),
            (Tag.UNUSED, current // 2),
            (Tag.AVAILABLE, current),
            (Tag.USABLE, current // 2),
            (Tag.LAST_UPDATE, _LAST_TOLD),
            (Tag.DISK_CACHES, current // 8),
            (Tag.HUGETLB_PGALLOC, 0),
            (Tag.HUGETLB_PGFAIL, 0),
            (Tag.RSS, current // 2),
        ]

    def domain_memory_peek(self, dom: DomainRef, offset: int, size: int, flags: int) -> bytes:
        """virDomainMemoryPeek: each byte of a guest's memory is the end of its address."""
        check_flags(flags, 3, "testDomainMemoryPeek")
        self._running(dom)
        return bytes((offset + index) & 0xFF for index in range(size))
