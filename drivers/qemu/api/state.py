# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a domain is and does right now, from memory."""

from __future__ import annotations

from drivers.qemu import cputime
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from virtd.enums import DomainControlState, DomainMessageType
from virtd.errors import check_flags
from virtd.refs import DomainRef

_MESSAGE_TYPES = DomainMessageType.DEPRECATION | DomainMessageType.TAINTING


class StateApi(Part):
    """virDomainGetInfo, virDomainGetState, virDomainIs…, virDomainGetMessages and the like."""

    def domain_get_info(self, dom: DomainRef) -> tuple[int, int, int, int, int]:
        """virDomainGetInfo: state, maximum and present memory (KiB), CPUs, CPU time (ns)."""
        guest = self._guest(dom)
        definition = guest.definition
        return (
            guest.state,
            definition.memory,
            current_memory(guest),
            current_vcpus(guest),
            cputime.total(guest).time if guest.active else 0,
        )

    def domain_get_state(self, dom: DomainRef, flags: int) -> tuple[int, int]:
        """virDomainGetState."""
        check_flags(flags, 0, "qemuDomainGetState")
        guest = self._guest(dom)
        return guest.state, guest.reason

    def domain_get_control_info(self, dom: DomainRef, flags: int) -> tuple[int, int, int]:
        """virDomainGetControlInfo: whether the line to QEMU is free, and since when (ms) not."""
        check_flags(flags, 0, "qemuDomainGetControlInfo")
        guest = self._running(dom)
        if guest.runtime is None or guest.runtime.monitor is None:
            return DomainControlState.ERROR, 0, 0
        if guest.runtime.monitor.hung:
            return DomainControlState.OCCUPIED, 0, 0
        if guest.jobs.kind is not None:
            return DomainControlState.JOB, 0, 0
        return DomainControlState.OK, 0, 0

    def domain_is_active(self, dom: DomainRef) -> int:
        """virDomainIsActive."""
        return int(self._guest(dom).active)

    def domain_is_persistent(self, dom: DomainRef) -> int:
        """virDomainIsPersistent."""
        return int(self._guest(dom).persistent is not None)

    def domain_is_updated(self, dom: DomainRef) -> int:
        """virDomainIsUpdated; libvirt's QEMU driver never says yes."""
        self._guest(dom)
        return 0

    def domain_get_os_type(self, dom: DomainRef) -> str:
        """virDomainGetOSType."""
        type_ = self._guest(dom).definition.os.type
        return (type_.type if type_ is not None else None) or "hvm"

    def domain_get_messages(self, dom: DomainRef, flags: int) -> list[str]:
        """virDomainGetMessages."""
        check_flags(flags, _MESSAGE_TYPES, "qemuDomainGetMessages")
        guest = self._guest(dom)
        wanted = flags or _MESSAGE_TYPES
        found: list[str] = []
        if wanted & DomainMessageType.TAINTING:
            found += [f"tainted: {taint}" for taint in guest.taints]
        if wanted & DomainMessageType.DEPRECATION:
            found += [f"deprecated configuration: {what}" for what in guest.deprecations]
        return found + (guest.messages if not flags else [])


def current_memory(guest: Guest) -> int:
    """KiB the guest has now; what QEMU last told where it has a balloon."""
    definition = guest.definition
    return definition.current_memory if definition.current_memory is not None else definition.memory


def current_vcpus(guest: Guest) -> int:
    """CPUs that are plugged in."""
    vcpu = guest.definition.vcpu
    return vcpu.current if vcpu.current is not None else vcpu.count
