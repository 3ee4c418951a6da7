# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happened, told to whoever listens: drivers emit, client sessions and tests subscribe."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What an event is about; the value is the key in the protocol's table of event ids."""

    DOMAIN = "domain"
    NETWORK = "network"
    STORAGE_POOL = "storage_pool"
    NODE_DEVICE = "node_device"
    SECRET = "secret"
    QEMU_MONITOR = "qemu_monitor"


class Event(NamedTuple):
    """One event.

    `event_id` is that of the object's enum (`DomainEventID`, `NetworkEventID` …; for the QEMU monitor
    it is unused and 0), `subject` the object's handle (`virtd.refs`), `args` the remaining fields of the
    wire message in their order.
    """

    kind: Kind
    event_id: int
    subject: tuple[object, ...]
    args: tuple[object, ...]


Listener = Callable[[Event], None]


class EventBus:
    """Delivers each event to every listener, in the order of emission, before `emit` returns.

    Listeners must not wait; one that raises is logged and does not keep the others from hearing.
    """

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each later event; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def emit(self, event: Event) -> None:
        """Tell everyone."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", event)
