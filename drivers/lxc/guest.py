# SPDX-License-Identifier: LGPL-2.1-or-later
"""One container: what is stored of it, what runs, its state, its jobs.

Who does what.  `lifecycle` gives a guest its id, its live definition and a fresh `RunState` and then asks `runtime`:

    await runtime.start(guest, paused=…, files=[…])   the host's side, the controller, until init runs; on failure
                                                      nothing is left and VirtError tells the cause
    await runtime.stop(guest, reason)                 kill everything and clean up; also what is left of a container
                                                      that has ended by itself; never fails because something is gone
    await runtime.reconnect(guest)                    after a restart of the daemon: False, it runs no more (what is
                                                      left of it is then cleaned up by `stop`)
    runtime.let_go(guest)                             the daemon ends, the container goes on

`runtime` fills in `guest.run` and the live definition's names (veths, terminals) in place, calls `guest.save_status()`
when that matters to a later daemon, and tells an end that nobody asked for by `guest.ended(End.…)`, once a run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from conf.domain import Domain, format_domain
from drivers.lxc import persistence, status
from drivers.lxc.context import LxcContext
from drivers.lxc.runstate import End, RunState
from virtd.enums import DomainEventID, DomainShutoffReason, DomainState
from virtd.errors import Code, From, VirtError
from virtd.events import Event, Kind
from virtd.jobs import JobKind, JobLock
from virtd.refs import DomainRef
from virtd.tasks import TaskOwner

log = logging.getLogger(__name__)


class Guest:
    """A container of the LXC driver, running or not.

    `persistent` is the stored definition (None: transient), `live` what runs now (None: inactive), `run` what the
    daemon must know of the running container.  Whoever changes one of the models in place saves it afterwards
    (`save_persistent`, `save_status`).
    """

    def __init__(self, context: LxcContext, definition: Domain) -> None:
        self.context = context
        self.name: str = definition.name
        self.uuid: bytes = UUID(definition.uuid).bytes
        self.id = -1
        self.persistent: Domain | None = None
        self.live: Domain | None = None
        self.run: RunState | None = None
        self.autostart = False
        self.state: int = DomainState.SHUTOFF
        self.reason: int = DomainShutoffReason.UNKNOWN
        self.jobs = JobLock()
        self.tasks = TaskOwner(f"guest {self.name}")
        #: What `lifecycle` does about an end that nobody asked for.
        self.on_end: Callable[[Guest, End], None] | None = None
        self._xml: dict[tuple[bool, frozenset[str]], str] = {}
        self._saving = asyncio.Lock()

    # -- what clients see

    @property
    def ref(self) -> DomainRef:
        """The guest as a client's handle."""
        return DomainRef(self.name, self.uuid, self.id)

    @property
    def active(self) -> bool:
        """Whether a container runs (or is just being started or ended) for this guest."""
        return self.live is not None

    @property
    def definition(self) -> Domain:
        """What runs, else what is stored."""
        definition = self.live or self.persistent
        assert definition is not None
        return definition

    def xml(self, *, inactive: bool = False, secure: bool = False, migratable: bool = False) -> str:
        """The canonical XML of the running or (`inactive`, or nothing runs) the stored definition; kept until that changes."""
        live = self.live is not None and not (inactive and self.persistent is not None)
        flags = {"inactive": inactive, "secure": secure, "migratable": migratable}
        key = (live, frozenset(name for name, on in flags.items() if on))
        if key not in self._xml:
            model = self.live if live else self.persistent
            assert model is not None
            hidden = inactive or migratable or not live
            self._xml[key] = format_domain(model, inactive=hidden, secure=secure, migratable=migratable)
        return self._xml[key]

    def status_xml(self) -> str:
        """The running definition as the status file keeps it: with all that clients do not see."""
        assert self.live is not None
        return format_domain(self.live, inactive=False, secure=True, status=True)

    def emit(self, event_id: int, *args: object) -> None:
        """Tell clients an event of this guest; `event_id` is a `DomainEventID`."""
        self.context.env.events.emit(Event(Kind.DOMAIN, event_id, self.ref, args))

    def emit_lifecycle(self, type_: int, detail: int) -> None:
        """Tell clients of a `DomainEventType` with its detail."""
        self.emit(DomainEventID.LIFECYCLE, type_, detail)

    # -- state

    def set_state(self, state: int, reason: int) -> None:
        """Note a `DomainState` and its reason; the caller saves the status."""
        self.state, self.reason = state, reason

    def job(self, kind: JobKind | str) -> AbstractAsyncContextManager[None]:
        """The right to change this guest: `async with guest.job("modify")`."""
        return self.jobs.hold(kind)

    def require_active(self) -> Domain:
        """What runs.

        Raises:
            VirtError: OPERATION_INVALID, the guest does not run.
        """
        if self.live is None:
            raise VirtError(Code.OPERATION_INVALID, "domain is not running", source=From.DOMAIN)
        return self.live

    def ended(self, how: End) -> None:
        """The container's init is gone and nobody asked for it."""
        if self.on_end is not None:
            self.on_end(self, how)

    # -- files

    def set_persistent(self, definition: Domain | None) -> None:
        """Exchange the stored definition in memory; `save_persistent` writes it."""
        self.persistent = definition
        self._forget_xml(live=False)

    def set_live(self, definition: Domain | None) -> None:
        """Exchange what runs."""
        self.live = definition
        self._forget_xml(live=True)

    def _forget_xml(self, *, live: bool) -> None:
        for key in [k for k in self._xml if k[0] is live]:
            del self._xml[key]

    async def save_persistent(self) -> None:
        """Write the stored definition, durably, and show it to clients."""
        self._forget_xml(live=False)
        async with self._saving:
            await persistence.save_definition(self)

    def save_status(self) -> None:
        """Write what is needed to find the running guest again, and show the live XML anew."""
        self._forget_xml(live=True)
        if self.run is not None and self.live is not None:
            status.save(self)
