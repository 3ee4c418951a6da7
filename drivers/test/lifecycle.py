# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting, pausing and ending guests."""

from __future__ import annotations

from collections.abc import Coroutine

from conf.domain import Domain
from drivers.common.schema import validated
from drivers.test.base import DomainPart
from drivers.test.defaults import prepare
from drivers.test.guest import TestGuest
from virtd.calls import current_call
from virtd.enums import (
    DomainCreateFlags,
    DomainDestroyFlags,
    DomainEventID,
    DomainEventStartedDetailType,
    DomainRebootFlags,
    DomainRunningReason,
    DomainShutdownFlags,
    DomainState,
)
from virtd.errors import Code, From, VirtError, check_flags
from virtd.refs import DomainRef

_CREATE_XML = DomainCreateFlags.START_PAUSED | DomainCreateFlags.START_AUTODESTROY | DomainCreateFlags.START_VALIDATE
_CREATE = DomainCreateFlags.START_PAUSED | DomainCreateFlags.START_AUTODESTROY | DomainCreateFlags.START_FORCE_BOOT
_SHUTDOWN = DomainShutdownFlags.ACPI_POWER_BTN | DomainShutdownFlags.GUEST_AGENT
_REBOOT = DomainRebootFlags.ACPI_POWER_BTN | DomainRebootFlags.GUEST_AGENT


class LifecycleApi(DomainPart):
    """virDomainCreate…, Destroy, Shutdown, Reboot, Reset, Suspend, Resume."""

    def domain_create_with_flags(self, dom: DomainRef, flags: int) -> DomainRef:
        """virDomainCreateWithFlags: a guest with a managed save image goes on where it was."""
        check_flags(flags, _CREATE, "testDomainCreateWithFlags")
        guest = self._guest(dom)
        if guest.active:
            raise VirtError(Code.OPERATION_INVALID, "domain is already running", source=From.DOMAIN)
        saved, guest.saved = guest.saved, None
        if saved is None or flags & DomainCreateFlags.START_FORCE_BOOT:
            self._boot(guest, guest.definition, flags)
        else:
            details = DomainEventStartedDetailType
            paused = saved.paused or bool(flags & DomainCreateFlags.START_PAUSED)
            guest.enter(saved.definition, DomainRunningReason.RESTORED, details.RESTORED, paused=paused)
        return guest.ref

    def domain_create_with_files(self, dom: DomainRef, flags: int) -> DomainRef:
        """virDomainCreateWithFiles: there is nobody to give the files to."""
        return self.domain_create_with_flags(dom, flags)

    @validated("domain.rng", DomainCreateFlags.START_VALIDATE)
    def domain_create_xml(self, xml_desc: str, flags: int) -> DomainRef:
        """virDomainCreateXML."""
        check_flags(flags, _CREATE_XML, "testDomainCreateXML")
        domain = prepare(xml_desc)
        guest = self.guests.place(domain, to_run=True)
        if guest is None:
            guest = TestGuest(self.world, domain)
            self.guests.add(guest)
        self._boot(guest, domain, flags)
        return guest.ref

    def domain_create_xml_with_files(
        self, xml_desc: str, flags: int
    ) -> DomainRef | Coroutine[object, object, DomainRef]:
        """virDomainCreateXMLWithFiles."""
        return self.domain_create_xml(xml_desc, flags)

    def _boot(self, guest: TestGuest, domain: Domain, flags: int) -> None:
        guest.boot(domain, paused=bool(flags & DomainCreateFlags.START_PAUSED))
        if flags & DomainCreateFlags.START_AUTODESTROY:
            started = guest.id
            current_call.get().connection.on_close(lambda: guest.destroy() if guest.id == started else None)

    def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainDestroyFlags: here every end is graceful."""
        check_flags(flags, DomainDestroyFlags.GRACEFUL, "testDomainDestroyFlags")
        self._running(dom).destroy()

    def domain_shutdown_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainShutdownFlags."""
        check_flags(flags, _SHUTDOWN, "testDomainShutdownFlags")
        self._running(dom).shut_down()

    def domain_reboot(self, dom: DomainRef, flags: int) -> None:
        """virDomainReboot."""
        check_flags(flags, _REBOOT, "testDomainReboot")
        self._running(dom).reboot()

    def domain_reset(self, dom: DomainRef, flags: int) -> None:
        """virDomainReset: the guest sees a reboot."""
        check_flags(flags, 0, "testDomainReset")
        self._running(dom).emit(DomainEventID.REBOOT)

    def domain_suspend(self, dom: DomainRef) -> None:
        """virDomainSuspend."""
        self._running(dom).pause()

    def domain_resume(self, dom: DomainRef) -> None:
        """virDomainResume."""
        guest = self._running(dom)
        if guest.state == DomainState.RUNNING:
            raise VirtError(Code.OPERATION_INVALID, "domain is already running", source=From.DOMAIN)
        guest.resume()
