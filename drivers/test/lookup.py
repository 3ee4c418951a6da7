# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding and listing guests: what all drivers answer alike, asked of the caller's host."""

from __future__ import annotations

from drivers.common.guestlist import GuestList
from drivers.common.lookup import Lookup
from drivers.test.base import Part
from drivers.test.guest import TestGuest


class LookupApi(Part, Lookup[TestGuest]):
    """virDomainLookupBy…, virConnectListAllDomains."""

    list_function = "testConnectListAllDomains"

    @property
    def guests(self) -> GuestList[TestGuest]:
        """Those of the host that the calling client has open."""
        return self.world.guests
