# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a domain is right now, from memory."""

from __future__ import annotations

from typing import ClassVar

from drivers.common import onlinecpus
from drivers.common.guest import ManagedGuest
from drivers.common.guestlist import G
from drivers.common.part import GuestPart
from virtd.enums import DomainXMLFlags as Xml
from virtd.errors import check_flags
from virtd.refs import DomainRef


class State(GuestPart[G]):
    """virDomainGetInfo, virDomainGetState, virDomainIs…, virDomainGetOSType."""

    def cpu_time(self, guest: G) -> int:
        """Nanoseconds of CPU that a running guest has used; 0 where the driver cannot tell."""
        return 0

    def domain_get_info(self, dom: DomainRef) -> tuple[int, int, int, int, int]:
        """virDomainGetInfo: state, maximum and present memory (KiB), CPUs, CPU time (ns)."""
        guest = self._guest(dom)
        cpu_time = self.cpu_time(guest) if guest.active else 0
        return guest.state, guest.definition.memory, current_memory(guest), current_vcpus(guest), cpu_time

    def domain_get_state(self, dom: DomainRef, flags: int) -> tuple[int, int]:
        """virDomainGetState."""
        check_flags(flags, 0, f"{self.prefix}DomainGetState")
        guest = self._guest(dom)
        return guest.state, guest.reason

    def domain_is_active(self, dom: DomainRef) -> int:
        """virDomainIsActive."""
        return int(self._guest(dom).active)

    def domain_is_persistent(self, dom: DomainRef) -> int:
        """virDomainIsPersistent."""
        return int(self._guest(dom).persistent is not None)

    def domain_is_updated(self, dom: DomainRef) -> int:
        """virDomainIsUpdated: no driver here keeps anything of a guest that a restart would change."""
        self._guest(dom)
        return 0

    def domain_get_os_type(self, dom: DomainRef) -> str:
        """virDomainGetOSType."""
        type_ = self._guest(dom).definition.os.type
        return (type_.type if type_ is not None else None) or "hvm"


class XmlDesc(GuestPart[G]):
    """virDomainGetXMLDesc."""

    #: The `DomainXMLFlags` that the driver knows.
    xml_flags: ClassVar[int] = Xml.SECURE | Xml.INACTIVE | Xml.MIGRATABLE

    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        """virDomainGetXMLDesc."""
        check_flags(flags, self.xml_flags, f"{self.prefix}DomainGetXMLDesc")
        return self._guest(dom).xml(
            inactive=bool(flags & Xml.INACTIVE),
            secure=bool(flags & Xml.SECURE),
            migratable=bool(flags & Xml.MIGRATABLE),
        )


def current_memory(guest: ManagedGuest) -> int:
    """KiB the guest has now; what was last heard where it has a balloon."""
    definition = guest.definition
    return definition.current_memory if definition.current_memory is not None else definition.memory


def current_vcpus(guest: ManagedGuest) -> int:
    """CPUs that are plugged in."""
    return onlinecpus.count(guest.definition)
