# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hypervisor whose guests are programs: `program:///system`."""

import asyncio
import signal
from functools import cached_property

from conf.domain import Domain, parse_domain
from drivers.base import HypervisorDriver
from drivers.common import schema, startup
from drivers.common.definition import Definition
from drivers.common.guestlist import GuestList
from drivers.common.lookup import Lookup
from drivers.common.persistence import DefinitionFiles
from drivers.common.state import State, XmlDesc
from drivers.common.storedguest import StoredGuest
from virtd.enums import DomainEventType, DomainPausedReason, DomainRunningReason, DomainShutoffReason, DomainState
from virtd.errors import Code, From, VirtError, check_flags, operation_invalid
from virtd.refs import DomainRef


class Guest(StoredGuest):
    process: asyncio.subprocess.Process
    end: asyncio.Task[None]


class ProgramDriver(HypervisorDriver, Lookup[Guest], State[Guest], XmlDesc[Guest], Definition[Guest]):
    error_source, schemes, prefix = From.UML, ("program",), "program"

    @cached_property
    def guests(self) -> GuestList[Guest]:
        return GuestList()

    @cached_property
    def files(self) -> DefinitionFiles:
        return DefinitionFiles(self.env.paths.etc / "program", edit="-c program:///system edit")

    async def start(self) -> None:
        await startup.load_stored(self.guests, self.files, self.new_guest)
        await startup.start_all(self.guests, self.env.paths.run / "program", self.start_guest)

    async def stop(self) -> None:
        for guest in [known for known in self.guests if known.active]:
            await self.domain_destroy_flags(guest.ref, 0)

    def new_guest(self, domain: Domain) -> Guest:
        return Guest(self.env.events, domain, self.files)

    async def prepared(self, xml: str, *, validate: bool) -> Domain:
        if validate:
            await schema.validate(xml, "domain.rng")
        return parse_domain(xml)

    async def start_guest(self, guest: Guest, domain: Domain) -> None:
        program = domain.os.init or "", *domain.os.initargs
        try:
            guest.process = await asyncio.create_subprocess_exec(*program, stdin=asyncio.subprocess.DEVNULL)
        except OSError as error:
            raise VirtError(Code.INTERNAL_ERROR, f"cannot run '{program[0]}': {error.strerror}") from error
        self.guests.claim_id(guest, self.guests.next_id())
        guest.set_live(domain.model_copy(update={"id": guest.id}, deep=True))
        guest.change_state(DomainState.RUNNING, DomainRunningReason.BOOTED, DomainEventType.STARTED)
        guest.end = guest.tasks.spawn(self.wait_for_end(guest), "wait for its end")

    async def wait_for_end(self, guest: Guest) -> None:
        killed = await guest.process.wait() == -signal.SIGKILL
        guest.set_live(None)
        reason = DomainShutoffReason.DESTROYED if killed else DomainShutoffReason.SHUTDOWN
        guest.change_state(DomainState.SHUTOFF, reason, DomainEventType.STOPPED, detail=int(killed))
        self.guests.release_id(guest) if guest.persistent else self.guests.remove(guest)

    async def domain_create_with_flags(self, dom: DomainRef, flags: int) -> DomainRef:
        check_flags(flags, 0, "programDomainCreateWithFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            if guest.live or not guest.persistent:
                raise operation_invalid("domain is already running")
            await self.start_guest(guest, guest.persistent)
        return guest.ref

    async def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None:
        check_flags(flags, 0, "programDomainDestroyFlags")
        guest = self._guest(dom)
        async with guest.job("destroy"), asyncio.timeout(10):
            guest.require_active()
            guest.process.kill()
            await asyncio.shield(guest.end)

    def domain_suspend(self, dom: DomainRef) -> None:
        guest = self._running(dom)
        if guest.state == DomainState.RUNNING:
            guest.process.send_signal(signal.SIGSTOP)
            guest.change_state(DomainState.PAUSED, DomainPausedReason.USER, DomainEventType.SUSPENDED)

    def domain_resume(self, dom: DomainRef) -> None:
        guest = self._running(dom)
        if guest.state == DomainState.RUNNING:
            raise operation_invalid("domain is already running")
        guest.process.send_signal(signal.SIGCONT)
        guest.change_state(DomainState.RUNNING, DomainRunningReason.UNPAUSED, DomainEventType.RESUMED)
