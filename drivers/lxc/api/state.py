# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a domain is and does right now."""

from __future__ import annotations

from drivers.common.state import State
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.errors import check_flags
from virtd.refs import DomainRef


class StateApi(Part, State[Guest]):
    """virDomainGetInfo, virDomainGetState, virDomainIs…, virDomainHasManagedSaveImage."""

    def cpu_time(self, guest: Guest) -> int:
        if not guest.has_init:
            return 0
        group = self._group(guest)
        return group.cpu_time() if group.has("cpuacct") else 0

    def domain_get_info(self, dom: DomainRef) -> tuple[int, int, int, int, int]:
        """virDomainGetInfo: a container's present memory (KiB) is what it uses."""
        state, most, current, vcpus, cpu_time = super().domain_get_info(dom)
        guest = self._guest(dom)
        if guest.has_init and self._group(guest).has("memory"):
            current = self._group(guest).memory_usage()
        return state, most, current, vcpus, cpu_time

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int) -> int:
        """virDomainHasManagedSaveImage: containers cannot be saved."""
        check_flags(flags, 0, "lxcDomainHasManagedSaveImage")
        return int(self._guest(dom).has_managed_save)
