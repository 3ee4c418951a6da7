# SPDX-License-Identifier: LGPL-2.1-or-later
"""A make-believe guest, and how it goes from one state to another."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import TYPE_CHECKING

from conf.domain import Domain
from drivers.common.guest import ManagedGuest
from virtd.enums import (
    DomainEventStartedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainRunningReason,
    DomainState,
)

if TYPE_CHECKING:
    from drivers.test.world import World


class TestGuest(ManagedGuest):
    """A domain in memory."""

    def __init__(self, world: World, definition: Domain) -> None:
        super().__init__(world.events, definition)
        self.world = world
        self._started = 0.0

    @property
    def cpu_time(self) -> int:
        """Nanoseconds; a make-believe guest uses one CPU fully while it is active."""
        return int((time.monotonic() - self._started) * 1e9) if self.active else 0

    def boot(self, definition: Domain, *, paused: bool = False) -> None:
        """Run a copy of `definition`."""
        self.live = deepcopy(definition)
        self.world.guests.claim_id(self, self.world.guests.next_id())
        self.live.id = self.id
        self._started = time.monotonic()
        self.set_state(DomainState.RUNNING, DomainRunningReason.BOOTED)
        self.emit_lifecycle(DomainEventType.STARTED, DomainEventStartedDetailType.BOOTED)
        if paused:
            self.pause()

    def pause(self) -> None:
        """Stop the virtual CPUs; nothing happens to a guest that is paused."""
        if self.state != DomainState.PAUSED:
            self.set_state(DomainState.PAUSED, DomainPausedReason.USER)
            self.emit_lifecycle(DomainEventType.SUSPENDED, DomainEventSuspendedDetailType.PAUSED)

    def end(self, reason: int, event_detail: int) -> None:
        """The guest is off, for a `DomainShutoffReason`; a transient one is gone."""
        self.live = None
        self.set_state(DomainState.SHUTOFF, reason)
        self.emit_lifecycle(DomainEventType.STOPPED, event_detail)
        self.world.guests.release_id(self)
        if self.persistent is None:
            self.world.guests.remove(self)
