# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a domain is and does right now, from memory."""

from __future__ import annotations

from drivers.common.state import State
from drivers.qemu import cputime
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from virtd.enums import DomainControlState, DomainMessageType
from virtd.errors import check_flags
from virtd.refs import DomainRef

_MESSAGE_TYPES = DomainMessageType.DEPRECATION | DomainMessageType.TAINTING


class StateApi(Part, State[Guest]):
    """virDomainGetInfo, virDomainGetState, virDomainIs…, virDomainGetMessages and the like."""

    def cpu_time(self, guest: Guest) -> int:
        return cputime.total(guest).time

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
