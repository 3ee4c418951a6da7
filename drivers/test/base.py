# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of the test driver share."""

from __future__ import annotations

from conf.domain import Domain
from drivers.common.guestlist import GuestList
from drivers.common.part import GuestPart, definitions
from drivers.test.guest import TestGuest
from drivers.test.world import World, Worlds
from virtd.refs import DomainRef


class Part:
    """A subject of the API."""

    prefix = "test"

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds

    @property
    def world(self) -> World:
        """The host that the calling client has open."""
        return self._worlds.current


class DomainPart(Part, GuestPart[TestGuest]):
    """A subject of the API about domains."""

    @property
    def guests(self) -> GuestList[TestGuest]:
        """Those of that host."""
        return self._worlds.current.guests

    def _changed(self, dom: DomainRef, flags: int) -> list[Domain]:
        """The definitions that a change with these flags concerns.  Raises OPERATION_INVALID."""
        return [found for found in definitions(self._guest(dom), flags) if found is not None]
