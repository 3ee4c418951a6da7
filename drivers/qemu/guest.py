# SPDX-License-Identifier: LGPL-2.1-or-later
"""One managed domain: what is stored of it, what runs, its state, its jobs."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from uuid import UUID

from conf.domain import Domain, format_domain
from drivers.qemu import persistence, status
from drivers.qemu.context import QemuContext
from drivers.qemu.migratable import migratable_form
from drivers.qemu.runtime import Runtime
from virtd.enums import DomainEventID, DomainShutoffReason, DomainState
from virtd.errors import Code, From, VirtError, operation_invalid
from virtd.events import Event, Kind
from virtd.jobs import JobKind, JobLock
from virtd.refs import DomainRef
from virtd.tasks import TaskOwner

if TYPE_CHECKING:
    from drivers.qemu.monitor import Monitor

log = logging.getLogger(__name__)

#: Under which the running definition as the status file has it is kept.
_STATUS = (True, frozenset({"status"}))


class Guest:
    """A domain of the QEMU driver, running or not.

    `persistent` is the stored definition (None: transient), `live` what runs now (None: inactive),
    `runtime` what the daemon must know of the running QEMU.  Whoever changes one of the models in
    place saves it afterwards (`save_persistent`, `save_status`), which also renews the XML that
    clients see.
    """

    def __init__(self, context: QemuContext, definition: Domain) -> None:
        self.context = context
        self.name: str = definition.name
        self.uuid: bytes = UUID(definition.uuid).bytes
        self.id = -1
        self.persistent: Domain | None = None
        self.live: Domain | None = None
        self.runtime: Runtime | None = None
        self.autostart = False
        self.state: int = DomainState.SHUTOFF
        self.reason: int = DomainShutoffReason.UNKNOWN
        self.taints: dict[str, None] = {}
        self.deprecations: list[str] = []
        self.messages: list[str] = []
        self.jobs = JobLock(context.settings.max_queued)
        self.tasks = TaskOwner(f"guest {self.name}")
        self._xml: dict[tuple[bool, frozenset[str]], str] = {}
        self._saving = asyncio.Lock()
        self._unsaved = False

    # -- what clients see

    @property
    def ref(self) -> DomainRef:
        """The guest as a client's handle."""
        return DomainRef(self.name, self.uuid, self.id)

    @property
    def active(self) -> bool:
        """Whether a QEMU runs (or is just being started or ended) for this guest."""
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
        options = frozenset(
            n for n, on in (("inactive", inactive), ("secure", secure), ("migratable", migratable)) if on
        )
        key = (live, options)
        if key not in self._xml:
            model = self.live if live else self.persistent
            assert model is not None
            if migratable:
                model = migratable_form(model)
                if live and self.runtime is not None and self.runtime.asked_cpu is not None:
                    model.cpu = self.runtime.asked_cpu
            inactive = inactive or migratable or not live
            self._xml[key] = format_domain(model, inactive=inactive, secure=secure, migratable=migratable)
        return self._xml[key]

    def status_xml(self) -> str:
        """The running definition as the status file keeps it: with all that clients do not see."""
        assert self.live is not None
        if _STATUS not in self._xml:
            self._xml[_STATUS] = format_domain(self.live, inactive=False, secure=True, status=True)
        return self._xml[_STATUS]

    def emit(self, event_id: int, *args: object) -> None:
        """Tell clients an event of this guest; `event_id` is a `DomainEventID`."""
        self.context.env.events.emit(Event(Kind.DOMAIN, event_id, self.ref, args))

    def emit_lifecycle(self, type_: int, detail: int) -> None:
        """Tell clients of a `DomainEventType` with its detail."""
        self.emit(DomainEventID.LIFECYCLE, type_, detail)

    # -- state

    def taint(self, why: str) -> None:
        """Note that something was done to this guest that nobody answers for."""
        if why not in self.taints:
            log.warning("guest %s is tainted: %s", self.name, why)
            self.taints[why] = None
            self.save_status_soon()

    def set_state(self, state: int, reason: int) -> None:
        """Note a `DomainState` and its reason; the caller saves the status."""
        self.state, self.reason = state, reason

    def job(self, kind: JobKind | str) -> AbstractAsyncContextManager[None]:
        """The right to change this guest: `async with guest.job("modify")`."""
        return self.jobs.hold(kind)

    @property
    def monitor(self) -> Monitor:
        """The running QEMU's monitor.

        Raises:
            VirtError: OPERATION_INVALID, the guest does not run.
        """
        if self.runtime is None or self.runtime.monitor is None:
            raise operation_invalid("domain is not running")
        return self.runtime.monitor

    def require_active(self) -> Domain:
        """What runs.

        Raises:
            VirtError: OPERATION_INVALID, the guest does not run.
        """
        if self.live is None:
            raise VirtError(Code.OPERATION_INVALID, "domain is not running", source=From.DOMAIN)
        return self.live

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

    async def save_status(self) -> None:
        """Write what is needed to find the running guest again, and show the live XML anew."""
        self._status_changed()
        await self.status_saved()

    def save_status_soon(self) -> None:
        """The same by a task of the guest's own."""
        self._status_changed()
        self.tasks.spawn(self.status_saved(), "save status")

    def save_state_soon(self) -> None:
        """The same after a change of state, of which the XML shows nothing."""
        self._unsaved = True
        self.tasks.spawn(self.status_saved(), "save state")

    async def status_saved(self) -> None:
        """Return when every change until now is in the status file.

        Raises:
            OSError: they are not; the next save tries again.
        """
        if self._unsaved and self.runtime is not None and self.live is not None:
            status.save(self)
            self._unsaved = False

    def _status_changed(self) -> None:
        self._forget_xml(live=True)
        self._unsaved = True
