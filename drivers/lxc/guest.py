# SPDX-License-Identifier: LGPL-2.1-or-later
"""One container: what is stored of it, what runs, its state, its jobs."""

from __future__ import annotations

from collections.abc import Callable

from conf.domain import Domain
from drivers.common.storedguest import StoredGuest
from drivers.lxc import status
from drivers.lxc.context import LxcContext
from drivers.lxc.runstate import End, RunState


class Guest(StoredGuest):
    """A container of the LXC driver, running or not; `run` is what the daemon must know of the running container."""

    def __init__(self, context: LxcContext, definition: Domain) -> None:
        super().__init__(context.env.events, definition, context.paths.definitions)
        self.context = context
        self.run: RunState | None = None
        #: What `lifecycle` does about an end that nobody asked for.
        self.on_end: Callable[[Guest, End], None] | None = None

    @property
    def has_init(self) -> bool:
        """Whether its first process runs: it is past its start."""
        return self.run is not None and self.run.init_pid != 0

    def claim_id(self, pid: int) -> None:
        """The running guest's id is its controller's number: clients look for the container's control group by it."""
        guests, live = self.context.guests, self.require_active()
        guests.release_id(self)
        guests.claim_id(self, pid)
        live.id = pid

    def ended(self, how: End) -> None:
        """The container's init is gone and nobody asked for it."""
        if self.on_end is not None:
            self.on_end(self, how)

    def write_status(self) -> bool:
        """Write the status file; False while there is no container."""
        if self.run is None:
            return False
        status.save(self)
        return True
