# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory a domain has and may have."""

from __future__ import annotations

from conf.domain import Domain
from drivers.common.part import IMPACT, definitions
from drivers.qemu import commands
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from drivers.qemu.stats.memory import has_balloon
from virtd.enums import DomainMemoryModFlags
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.refs import DomainRef


class MemoryApi(Part):
    """virDomainGetMaxMemory, virDomainSetMemoryFlags."""

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        """virDomainGetMaxMemory, in KiB."""
        return self._guest(dom).definition.memory

    async def domain_set_memory_flags(self, dom: DomainRef, memory: int, flags: int) -> None:
        """virDomainSetMemoryFlags; `memory` in KiB."""
        check_flags(flags, IMPACT | DomainMemoryModFlags.MAXIMUM, "qemuDomainSetMemoryFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            if flags & DomainMemoryModFlags.MAXIMUM:
                _set_maximum(live, stored, memory)
            else:
                await _set_current(guest, live, stored, memory)
            await guest.save(live, stored)


def _set_maximum(live: Domain | None, stored: Domain | None, memory: int) -> None:
    if live is not None:
        raise operation_invalid("cannot resize the maximum memory on an active domain")
    assert stored is not None
    if stored.cpu is not None and stored.cpu.numa is not None and stored.cpu.numa.cells:
        text = "initial memory size of a domain with NUMA nodes cannot be modified with this API"
        raise VirtError(Code.OPERATION_INVALID, text)
    stored.memory = memory
    stored.current_memory = min(stored.current_memory, memory)


async def _set_current(guest: Guest, live: Domain | None, stored: Domain | None, memory: int) -> None:
    for definition in (live, stored):
        if definition is not None and memory > definition.memory:
            raise invalid_arg("cannot set memory higher than max memory")
    if live is not None:
        if not has_balloon(guest):
            text = "Unable to change memory of active domain without the balloon device and guest OS balloon driver"
            raise operation_invalid(text)
        # What the guest really has is told by BALLOON_CHANGE.
        await commands.balloon(guest.monitor, memory * 1024)
    if stored is not None:
        stored.current_memory = memory
