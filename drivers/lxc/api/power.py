# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting, stopping, pausing domains, and signals to their first process."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from conf.domain import Domain
from drivers.lxc import lifecycle, prepare
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.calls import Connection, current_call
from virtd.enums import DomainCreateFlags as Create
from virtd.enums import DomainRebootFlags as Reboot
from virtd.enums import DomainShutdownFlags as Shutdown
from virtd.enums import DomainShutoffReason, DomainState
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.refs import DomainRef

#: libvirt numbers signals as Linux does, up to the last that is for applications to use.
_LAST_SIGNAL = 64
_INIT = 1


class PowerApi(Part):
    """virDomainCreate…, virDomainDestroy, virDomainShutdown, virDomainReboot, virDomainSuspend, virDomainSendProcessSignal."""

    async def domain_create_xml(self, xml_desc: str, flags: int) -> DomainRef:
        """virDomainCreateXML."""
        return await self._create_xml(xml_desc, flags, ())

    async def domain_create_xml_with_files(self, xml_desc: str, flags: int) -> DomainRef:
        """virDomainCreateXMLWithFiles: the container's init finds the descriptors as 3, 4, …"""
        return await self._create_xml(xml_desc, flags, current_call.get().fds)

    async def _create_xml(self, xml: str, flags: int, fds: Sequence[int]) -> DomainRef:
        check_flags(flags, Create.START_AUTODESTROY | Create.START_VALIDATE, "lxcDomainCreateXMLWithFiles")
        domain = await prepare.definition(xml, validate=bool(flags & Create.START_VALIDATE))
        guest = self.guests.place(domain, to_run=True)
        if guest is None:
            guest = Guest(self._context, domain)
            guest.set_live(domain)  # it is active in the eyes of others from now on
            self.guests.add(guest)
        try:
            async with guest.job("modify"):
                self.guests.place(domain, to_run=guest.run is not None)
                await self._start(guest, domain, flags, fds)
        except BaseException:
            if guest.run is None and guest.persistent is None:
                guest.set_live(None)
                self.guests.remove(guest)
            raise
        return guest.ref

    async def domain_create_with_flags(self, dom: DomainRef, flags: int) -> DomainRef:
        """virDomainCreateWithFlags."""
        return await self._create(dom, flags, ())

    async def domain_create_with_files(self, dom: DomainRef, flags: int) -> DomainRef:
        """virDomainCreateWithFiles: the container's init finds the descriptors as 3, 4, …"""
        return await self._create(dom, flags, current_call.get().fds)

    async def _create(self, dom: DomainRef, flags: int, fds: Sequence[int]) -> DomainRef:
        check_flags(flags, Create.START_AUTODESTROY, "lxcDomainCreateWithFiles")
        guest = self._guest(dom)
        async with guest.job("modify"):
            if guest.active or guest.persistent is None:
                raise operation_invalid("Domain is already running")
            await self._start(guest, guest.persistent, flags, fds)
        return guest.ref

    async def _start(self, guest: Guest, definition: Domain, flags: int, fds: Sequence[int]) -> None:
        owner = current_call.get().connection if flags & Create.START_AUTODESTROY else None
        await lifecycle.start(guest, definition, owner=owner, fds=fds)
        if owner is not None:
            _end_with(owner, guest)

    async def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainDestroyFlags."""
        check_flags(flags, 0, "lxcDomainDestroyFlags")
        guest = self._running(dom)
        async with guest.job("destroy"):
            guest.require_active()
            await lifecycle.end(guest, DomainShutoffReason.DESTROYED)

    async def domain_suspend(self, dom: DomainRef) -> None:
        """virDomainSuspend."""
        guest = self._running(dom)
        async with guest.job("suspend"):
            guest.require_active()
            if guest.state != DomainState.PAUSED:
                await lifecycle.suspend(guest)

    async def domain_resume(self, dom: DomainRef) -> None:
        """virDomainResume."""
        guest = self._running(dom)
        async with guest.job("modify"):
            guest.require_active()
            if guest.state == DomainState.RUNNING:
                raise operation_invalid("domain is already running")
            await lifecycle.resume(guest)

    async def domain_shutdown_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainShutdownFlags: by the container's initctl, else by SIGTERM to its init."""
        check_flags(flags, Shutdown.INITCTL | Shutdown.SIGNAL, "lxcDomainShutdownFlags")
        await self._ask(self._running(dom), flags, "0", signal.SIGTERM)

    async def domain_reboot(self, dom: DomainRef, flags: int) -> None:
        """virDomainReboot: by the container's initctl, else by SIGHUP to its init."""
        check_flags(flags, Reboot.INITCTL | Reboot.SIGNAL, "lxcDomainReboot")
        await self._ask(self._running(dom), flags, "6", signal.SIGHUP)

    async def _ask(self, guest: Guest, flags: int, runlevel: str, number: int) -> None:
        """In the ways that the flags name, or in any."""
        runtime = self._context.runtime
        async with guest.job("modify"):
            guest.require_active()
            if not flags or flags & Shutdown.INITCTL:
                if await runtime.ask_init(guest, runlevel):
                    return
                if flags and not flags & Shutdown.SIGNAL:
                    raise VirtError(Code.OPERATION_UNSUPPORTED, "Container does not provide an initctl pipe")
            runtime.signal_init(guest, number)

    async def domain_send_process_signal(self, dom: DomainRef, pid_value: int, signum: int, flags: int) -> None:
        """virDomainSendProcessSignal; `pid_value` is the container's number of the process."""
        check_flags(flags, 0, "lxcDomainSendProcessSignal")
        if signum > _LAST_SIGNAL:
            raise invalid_arg(f"signum value {signum} is out of range")
        guest = self._running(dom)
        async with guest.job("modify"):
            guest.require_active()
            if pid_value != _INIT:
                raise VirtError(Code.ARGUMENT_UNSUPPORTED, "Only the init process may be killed")
            self._context.runtime.signal_init(guest, signum)


def _end_with(owner: Connection, guest: Guest) -> None:
    """The guest goes when the client that started it does."""

    async def destroy() -> None:
        async with guest.job("destroy"):
            if guest.run is not None and guest.run.owner is owner:
                await lifecycle.end(guest, DomainShutoffReason.DESTROYED)

    def closed() -> None:
        guest.tasks.spawn(destroy(), "autodestroy")

    owner.on_close(closed)
