# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a URI to what answers a connection's calls."""

from __future__ import annotations

from drivers.base import Driver
from drivers.registry import Registry
from virtd.calls import Connection
from virtd.dispatch import Dispatcher
from virtd.events import EventBus, Kind


class Backend:
    """The drivers of one kind of connection and their dispatcher, which all such connections share."""

    def __init__(self, drivers: tuple[Driver, ...]) -> None:
        self.dispatcher = Dispatcher(*drivers)
        self.event_kinds: frozenset[Kind] = frozenset().union(*(driver.event_kinds for driver in drivers))
        self._drivers = drivers

    def event_buses(self, connection: Connection) -> list[EventBus]:
        """Where a connection hears events."""
        return [driver.events_for(connection) for driver in self._drivers]


class Backends:
    """Opens connections."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._backends: dict[tuple[Driver, ...], Backend] = {}

    async def open(self, uri: str, connection: Connection) -> Backend:
        """Open `connection` to `uri`.

        Raises:
            VirtError: nobody serves this URI, or its driver refuses it.
        """
        drivers = await self._registry.open(uri, connection)
        if drivers not in self._backends:
            self._backends[drivers] = Backend(drivers)
        return self._backends[drivers]
