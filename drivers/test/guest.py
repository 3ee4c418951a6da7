# SPDX-License-Identifier: LGPL-2.1-or-later
"""A make-believe guest: its definitions, its state, and how it goes from one state to another."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import TYPE_CHECKING
from uuid import UUID

from conf.domain import Domain, format_domain
from virtd.enums import (
    DomainEventID,
    DomainEventStartedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
)
from virtd.events import Event, Kind
from virtd.refs import DomainRef

if TYPE_CHECKING:
    from drivers.test.world import World


class TestGuest:
    """A domain in memory.  `persistent` is stored, `live` is what runs; one of the two is there."""

    def __init__(self, world: World, definition: Domain) -> None:
        self.world = world
        self.new_definition = definition
        self.name: str = definition.name
        self.uuid: bytes = UUID(definition.uuid).bytes
        self.id = -1
        self.persistent: Domain | None = None
        self.live: Domain | None = None
        self.state: int = DomainState.SHUTOFF
        self.reason: int = DomainShutoffReason.UNKNOWN
        self.autostart = False
        self._started = 0.0

    # -- what clients see

    @property
    def ref(self) -> DomainRef:
        """The guest as a client's handle."""
        return DomainRef(self.name, self.uuid, self.id)

    @property
    def active(self) -> bool:
        return self.live is not None

    @property
    def definition(self) -> Domain:
        """What runs, else what is stored."""
        return self.live or self.persistent or self.new_definition

    @property
    def cpu_time(self) -> int:
        """Nanoseconds; a make-believe guest uses one CPU fully while it is active."""
        return int((time.monotonic() - self._started) * 1e9) if self.active else 0

    def xml(self, *, inactive: bool, secure: bool, migratable: bool) -> str:
        """The running or (`inactive`, or nothing runs) the stored definition."""
        stored = self.live is None or (inactive and self.persistent is not None)
        model = self.persistent if stored else self.live
        assert model is not None
        return format_domain(model, inactive=inactive or self.live is None, secure=secure, migratable=migratable)

    def emit_lifecycle(self, type_: int, detail: int) -> None:
        """Tell clients of a `DomainEventType` with its detail."""
        self.world.events.emit(Event(Kind.DOMAIN, DomainEventID.LIFECYCLE, self.ref, (type_, detail)))

    # -- from state to state

    def boot(self, *, paused: bool = False) -> None:
        """Run what is stored (or, of a transient guest, what it was made from)."""
        self.live = deepcopy(self.persistent or self.new_definition)
        self.world.guests.claim_id(self, self.world.guests.next_id())
        self.live.id = self.id
        self._started = time.monotonic()
        self.state, self.reason = DomainState.RUNNING, DomainRunningReason.BOOTED
        self.emit_lifecycle(DomainEventType.STARTED, DomainEventStartedDetailType.BOOTED)
        if paused:
            self.pause()

    def pause(self) -> None:
        """Stop the virtual CPUs; nothing happens to a guest that is paused."""
        if self.state != DomainState.PAUSED:
            self.state, self.reason = DomainState.PAUSED, DomainPausedReason.USER
            self.emit_lifecycle(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.PAUSED)

    def end(self, reason: int, event_detail: int) -> None:
        """The guest is off, for a `DomainShutoffReason`; a transient one is gone."""
        self.live = None
        self.state, self.reason = DomainState.SHUTOFF, reason
        self.emit_lifecycle(DomainEventType.STOPPED, event_detail)
        self.world.guests.release_id(self)
        if self.persistent is None:
            self.world.guests.remove(self)
