# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known of a guest: state, size, kind."""

from __future__ import annotations

from drivers.test.base import Part
from virtd.errors import check_flags
from virtd.refs import DomainRef


class InfoApi(Part):
    """virDomainGetInfo, GetState, GetOSType, Is…, GetMaxMemory, GetMaxVcpus."""

    def domain_get_info(self, dom: DomainRef) -> tuple[int, int, int, int, int]:
        """virDomainGetInfo: state, maximum and present KiB, virtual CPUs, CPU time in ns."""
        guest = self.guest(dom)
        definition = guest.definition
        memory, vcpu = definition.memory, definition.vcpu
        current = memory if definition.current_memory is None else definition.current_memory
        return guest.state, memory, current, vcpu.current or vcpu.count, guest.cpu_time

    def domain_get_state(self, dom: DomainRef, flags: int) -> tuple[int, int]:
        """virDomainGetState."""
        check_flags(flags, 0, "testDomainGetState")
        guest = self.guest(dom)
        return guest.state, guest.reason

    def domain_get_os_type(self, dom: DomainRef) -> str:
        """virDomainGetOSType."""
        kind = self.guest(dom).definition.os.type
        return (kind and kind.type) or "hvm"

    def domain_is_active(self, dom: DomainRef) -> int:
        """virDomainIsActive."""
        return int(self.guest(dom).active)

    def domain_is_persistent(self, dom: DomainRef) -> int:
        """virDomainIsPersistent."""
        return int(self.guest(dom).persistent is not None)

    def domain_is_updated(self, dom: DomainRef) -> int:
        """virDomainIsUpdated: nothing is kept of a guest that a restart would change."""
        self.guest(dom)
        return 0

    def domain_get_max_memory(self, dom: DomainRef) -> int:
        """virDomainGetMaxMemory, in KiB."""
        return self.guest(dom).definition.memory

    def domain_get_max_vcpus(self, dom: DomainRef) -> int:
        """virDomainGetMaxVcpus."""
        return self.guest(dom).definition.vcpu.count

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int) -> int:
        """virDomainHasManagedSaveImage."""
        check_flags(flags, 0, "testDomainHasManagedSaveImage")
        self.guest(dom)
        return 0
