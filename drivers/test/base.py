# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of the test driver share."""

from __future__ import annotations

from drivers.test.guest import TestGuest
from drivers.test.world import World
from virtd.calls import current_call
from virtd.errors import Code, From, VirtError
from virtd.refs import DomainRef


class Part:
    """A subject of the API.  Which host a call means is written in its connection."""

    def __init__(self, worlds: dict[str, World]) -> None:
        self._worlds = worlds

    @property
    def world(self) -> World:
        """The host that the calling client has open."""
        return self._worlds[current_call.get().connection.uri]

    def guest(self, dom: DomainRef) -> TestGuest:
        """The guest a client means.  Raises NO_DOMAIN."""
        return self.world.guests.by_ref(dom)

    def running(self, dom: DomainRef) -> TestGuest:
        """The same, if it is active.

        Raises:
            VirtError: OPERATION_INVALID.
        """
        guest = self.guest(dom)
        if not guest.active:
            raise VirtError(Code.OPERATION_INVALID, "domain is not running", source=From.DOMAIN)
        return guest
