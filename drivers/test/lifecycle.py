# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting, pausing and ending guests."""

from __future__ import annotations

from conf.domain import Domain
from drivers.test.base import DomainPart
from drivers.test.defaults import prepare
from drivers.test.guest import TestGuest
from virtd.calls import current_call
from virtd.enums import (
    DomainCreateFlags,
    DomainDestroyFlags,
    DomainEventID,
    DomainEventResumedDetailType,
    DomainEventStoppedDetailType,
    DomainEventType,
    DomainRebootFlags,
    DomainRunningReason,
    DomainShutdownFlags,
    DomainShutoffReason,
    DomainState,
)
from virtd.errors import Code, From, VirtError, check_flags
from virtd.refs import DomainRef

_CREATE = DomainCreateFlags.START_PAUSED | DomainCreateFlags.START_AUTODESTROY | DomainCreateFlags.START_VALIDATE
_SHUTDOWN = DomainShutdownFlags.ACPI_POWER_BTN | DomainShutdownFlags.GUEST_AGENT
_REBOOT = DomainRebootFlags.ACPI_POWER_BTN | DomainRebootFlags.GUEST_AGENT


class LifecycleApi(DomainPart):
    """virDomainCreate…, Destroy, Shutdown, Reboot, Reset, Suspend, Resume."""

    def domain_create_with_flags(self, dom: DomainRef, flags: int) -> DomainRef:
        """virDomainCreateWithFlags."""
        check_flags(flags, _CREATE & ~DomainCreateFlags.START_VALIDATE, "testDomainCreateWithFlags")
        guest = self._guest(dom)
        if guest.active:
            raise VirtError(Code.OPERATION_INVALID, "domain is already running", source=From.DOMAIN)
        self._boot(guest, guest.definition, flags)
        return guest.ref

    def domain_create_xml(self, xml_desc: str, flags: int) -> DomainRef:
        """virDomainCreateXML."""
        check_flags(flags, _CREATE, "testDomainCreateXML")
        domain = prepare(xml_desc)
        guest = self.guests.place(domain, to_run=True)
        if guest is None:
            guest = TestGuest(self.world, domain)
            self.guests.add(guest)
        self._boot(guest, domain, flags)
        return guest.ref

    def _boot(self, guest: TestGuest, domain: Domain, flags: int) -> None:
        guest.boot(domain, paused=bool(flags & DomainCreateFlags.START_PAUSED))
        if flags & DomainCreateFlags.START_AUTODESTROY:
            started = guest.id
            current_call.get().connection.on_close(lambda: self._destroy(guest) if guest.id == started else None)

    def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainDestroyFlags: here every end is graceful."""
        check_flags(flags, DomainDestroyFlags.GRACEFUL, "testDomainDestroyFlags")
        self._destroy(self._running(dom))

    @staticmethod
    def _destroy(guest: TestGuest) -> None:
        guest.end(DomainShutoffReason.DESTROYED, DomainEventStoppedDetailType.DESTROYED)

    def domain_shutdown_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainShutdownFlags; `<on_poweroff>restart` makes a reboot of it."""
        check_flags(flags, _SHUTDOWN, "testDomainShutdownFlags")
        guest = self._running(dom)
        assert guest.live is not None
        self._power_cycle(guest, guest.live.on_poweroff)

    def domain_reboot(self, dom: DomainRef, flags: int) -> None:
        """virDomainReboot; `<on_reboot>destroy` makes a shutdown of it."""
        check_flags(flags, _REBOOT, "testDomainReboot")
        guest = self._running(dom)
        assert guest.live is not None
        self._power_cycle(guest, guest.live.on_reboot)

    def _power_cycle(self, guest: TestGuest, action: str) -> None:
        if action in ("restart", "rename-restart"):
            guest.set_state(DomainState.RUNNING, DomainRunningReason.BOOTED)
            guest.emit(DomainEventID.REBOOT)
        else:
            guest.end(DomainShutoffReason.SHUTDOWN, DomainEventStoppedDetailType.SHUTDOWN)

    def domain_reset(self, dom: DomainRef, flags: int) -> None:
        """virDomainReset: the guest sees a reboot."""
        check_flags(flags, 0, "testDomainReset")
        guest = self._running(dom)
        guest.emit(DomainEventID.REBOOT)

    def domain_suspend(self, dom: DomainRef) -> None:
        """virDomainSuspend."""
        self._running(dom).pause()

    def domain_resume(self, dom: DomainRef) -> None:
        """virDomainResume."""
        guest = self._running(dom)
        if guest.state == DomainState.RUNNING:
            raise VirtError(Code.OPERATION_INVALID, "domain is already running", source=From.DOMAIN)
        guest.set_state(DomainState.RUNNING, DomainRunningReason.UNPAUSED)
        guest.emit_lifecycle(DomainEventType.RESUMED, DomainEventResumedDetailType.UNPAUSED)
