# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is known of a guest: state, size, kind."""

from __future__ import annotations

from drivers.common.state import State
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest


class InfoApi(DomainPart, State[TestGuest]):
    """virDomainGetInfo, GetState, GetOSType, Is…, GetMaxMemory, GetMaxVcpus."""

    def cpu_time(self, guest: TestGuest) -> int:
        return guest.cpu_time
