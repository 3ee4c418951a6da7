# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known of a guest: state, size, kind."""

from __future__ import annotations

from drivers.common.state import State
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.errors import check_flags
from virtd.refs import DomainRef


class InfoApi(DomainPart, State[TestGuest]):
    """virDomainGetInfo, GetState, GetOSType, Is…, GetMaxMemory, GetMaxVcpus."""

    def cpu_time(self, guest: TestGuest) -> int:
        return guest.cpu_time

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        """virDomainGetMaxMemory, in KiB."""
        return self._guest(dom).definition.memory

    def domain_get_max_vcpus(self, dom: DomainRef) -> int:
        """virDomainGetMaxVcpus."""
        return self._guest(dom).definition.vcpu.count

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int) -> int:
        """virDomainHasManagedSaveImage."""
        check_flags(flags, 0, "testDomainHasManagedSaveImage")
        return int(self._guest(dom).has_managed_save)
