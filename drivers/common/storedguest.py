# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest with files: its definition outlives the daemon, its state too while it runs; changes take a job."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from conf.domain import Domain, format_domain, parse_domain
from drivers.common.guest import ManagedGuest
from drivers.common.persistence import UNUSABLE, DefinitionFiles, write_failed
from virtd.events import EventBus
from virtd.jobs import JobKind, JobLock
from virtd.tasks import TaskOwner
from virtd.threads import in_thread

log = logging.getLogger(__name__)


class StoredGuest(ManagedGuest):
    """A guest of a driver that keeps files.

    Whoever changes one of the models in place saves it afterwards (`save_persistent`, `save_status`),
    which also renews the XML that clients see: it is kept until then.
    """

    def __init__(
        self, events: EventBus, definition: Domain, definitions: DefinitionFiles, *, max_queued: int = 0
    ) -> None:
        """`max_queued`: how many calls may wait for the guest's job at once; 0 is no limit."""
        super().__init__(events, definition)
        self.jobs = JobLock(max_queued)
        self.tasks = TaskOwner(f"guest {self.name}")
        self.taints: dict[str, None] = {}
        self.deprecations: list[str] = []
        self.messages: list[str] = []
        self._definitions = definitions
        self._xml: dict[tuple[bool, object], str] = {}
        self._saving = asyncio.Lock()
        self._unsaved = False

    def job(self, kind: JobKind | str) -> AbstractAsyncContextManager[None]:
        """The right to change this guest: `async with guest.job("modify")`."""
        return self.jobs.hold(kind)

    def taint(self, why: str) -> None:
        """Note that something was done to this guest that nobody answers for."""
        if why not in self.taints:
            log.warning("guest %s is tainted: %s", self.name, why)
            self.taints[why] = None
            self.save_status_soon()

    # -- XML

    def xml(self, *, inactive: bool = False, secure: bool = False, migratable: bool = False) -> str:
        """The canonical XML of the running or (`inactive`, or nothing runs) the stored definition."""
        live = self.shows_live(inactive=inactive)
        plain = super().xml
        return self._kept(
            live,
            (inactive, secure, migratable),
            lambda: plain(inactive=inactive, secure=secure, migratable=migratable),
        )

    def status_xml(self) -> str:
        """The running definition as the status file keeps it: with all that clients do not see."""
        live = self.live
        assert live is not None
        return self._kept(True, "status", lambda: format_domain(live, inactive=False, secure=True, status=True))

    def _kept(self, live: bool, what: object, make: Callable[[], str]) -> str:
        key = (live, what)
        found = self._xml.get(key)
        if found is None:
            found = self._xml[key] = make()
        return found

    def _forget_xml(self, *, live: bool) -> None:
        for key in [k for k in self._xml if k[0] is live]:
            del self._xml[key]

    # -- definitions and files

    def set_persistent(self, definition: Domain | None) -> None:
        """Exchange the stored definition in memory; `save_persistent` writes it."""
        self.persistent = definition
        self._forget_xml(live=False)

    def set_live(self, definition: Domain | None) -> None:
        """Exchange what runs."""
        self.live = definition
        self._forget_xml(live=True)

    async def save(self, live: Domain | None, stored: Domain | None) -> None:
        """Write what was changed of the pair that `drivers.common.part.definitions` gave.

        Raises:
            VirtError: SYSTEM_ERROR, it cannot be written; the stored definition is as it was.
        """
        if live is not None:
            await self.save_status()
        if stored is None:
            return
        try:
            await self.save_persistent()
        except OSError as error:
            await self._take_back()
            raise write_failed(self._definitions.path(self.name), error) from error

    async def _take_back(self) -> None:
        """The stored definition was changed in memory only: take the one that lies in its file."""
        path = self._definitions.path(self.name)
        try:
            text = await in_thread(path.read_bytes)
            self.set_persistent(parse_domain(text))
        except UNUSABLE as error:
            log.error("%s cannot be read again: %s", path, error)

    async def save_persistent(self) -> None:
        """Write the stored definition, durably, and show it to clients.

        Raises:
            OSError: the file is as it was.
        """
        self._forget_xml(live=False)
        async with self._saving:
            await self._definitions.save(self.name, self.xml(inactive=True, secure=True))

    async def save_status(self) -> None:
        """Write what is needed to find the running guest again, and show the live XML anew."""
        self.status_changed()
        await self.status_saved()

    def save_status_soon(self) -> None:
        """The same by a task of the guest's own."""
        self.status_changed()
        self.tasks.spawn(self.status_saved(), "save status")

    def save_state_soon(self) -> None:
        """The same after a change of state, of which the XML shows nothing."""
        if self._unsaved or not self.write_state():
            self._unsaved = True
            self.tasks.spawn(self.status_saved(), "save state")

    async def status_saved(self) -> None:
        """Return when every change until now is in the status file.

        Raises:
            OSError: they are not; the next save tries again.
        """
        if self._unsaved and self.live is not None and self.write_status():
            self._unsaved = False

    def write_status(self) -> bool:
        """Write the status file of the running guest; False when there is nothing to write about yet."""
        raise NotImplementedError

    def write_state(self) -> bool:
        """Write state and reason into the status file there is, if the driver has such a short way and all else is in it."""
        return False

    def status_changed(self) -> None:
        """What the status file says is out of date, and so is the live XML."""
        self._forget_xml(live=True)
        self._unsaved = True
