# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting, stopping, pausing and resetting domains."""

from __future__ import annotations

import logging

from conf.domain import Domain
from drivers.common.guest import not_running
from drivers.qemu import commands, prepare
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import ending, launch
from drivers.qemu.lifecycle.device_events import agent_channel
from virtd.calls import current_call
from virtd.enums import DomainCreateFlags as Create
from virtd.enums import DomainDestroyFlags as Destroy
from virtd.enums import (
    DomainPausedReason,
    DomainRebootFlags,
    DomainRunningReason,
    DomainShutdownFlags,
    DomainShutoffReason,
    DomainState,
)
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.refs import DomainRef
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)

_CREATE_XML_FLAGS = Create.START_PAUSED | Create.START_AUTODESTROY | Create.START_VALIDATE | Create.START_RESET_NVRAM
_CREATE_FLAGS = (
    Create.START_PAUSED
    | Create.START_AUTODESTROY
    | Create.START_BYPASS_CACHE
    | Create.START_FORCE_BOOT
    | Create.START_RESET_NVRAM
)
_SHUTDOWN_FLAGS = DomainShutdownFlags.ACPI_POWER_BTN | DomainShutdownFlags.GUEST_AGENT
_REBOOT_FLAGS = DomainRebootFlags.ACPI_POWER_BTN | DomainRebootFlags.GUEST_AGENT


class PowerApi(Part):
    """virDomainCreate…, virDomainDestroy, virDomainShutdown, virDomainReboot, virDomainSuspend and the like."""

    async def domain_create_xml(self, xml_desc: str, flags: int) -> DomainRef:
        """virDomainCreateXML."""
        check_flags(flags, _CREATE_XML_FLAGS, "qemuDomainCreateXML")
        domain = await prepare.definition(self._context, xml_desc, validate=bool(flags & Create.START_VALIDATE))
        guest = self._context.guests.place(domain, to_run=True)
        if guest is None:
            guest = Guest(self._context, domain)
            guest.set_live(domain)  # it is active in the eyes of others from now on
            self._context.guests.add(guest)
        try:
            async with guest.job("modify"):
                self._context.guests.place(domain, to_run=guest.runtime is not None)
                await self._start(guest, domain, flags)
        except BaseException:
            if guest.runtime is None and guest.active:
                ending.forget(guest)
            raise
        return guest.ref

    async def domain_create_with_flags(self, dom: DomainRef, flags: int) -> DomainRef:
        """virDomainCreateWithFlags."""
        check_flags(flags, _CREATE_FLAGS, "qemuDomainCreateWithFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            if guest.active or guest.persistent is None:
                raise operation_invalid("domain is already running")
            await self._start(guest, guest.persistent, flags)
        return guest.ref

    async def _start(self, guest: Guest, definition: Domain, flags: int) -> None:
        options = launch.StartOptions(
            paused=bool(flags & Create.START_PAUSED),
            autodestroy=bool(flags & Create.START_AUTODESTROY),
            reset_nvram=bool(flags & Create.START_RESET_NVRAM),
        )
        await launch.start(guest, definition, options)
        if options.autodestroy:
            self._end_with_connection(guest)

    def _end_with_connection(self, guest: Guest) -> None:
        """The guest goes when the client that started it does."""
        run = guest.runtime

        def closed() -> None:
            if guest.runtime is run:
                guest.tasks.spawn(ending.end(guest, DomainShutoffReason.DESTROYED), "autodestroy")

        current_call.get().connection.on_close(closed)

    async def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainDestroyFlags."""
        check_flags(flags, Destroy.GRACEFUL | Destroy.REMOVE_LOGS, "qemuDomainDestroyFlags")
        guest = self._running(dom)
        if not await ending.end(guest, DomainShutoffReason.DESTROYED, force=not flags & Destroy.GRACEFUL):
            raise not_running()
        if flags & Destroy.REMOVE_LOGS:
            await in_thread(files.remove, self._context.paths.log_file(guest.name), durable=False)

    async def domain_shutdown_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainShutdownFlags: press the power button."""
        check_flags(flags, _SHUTDOWN_FLAGS, "qemuDomainShutdownFlags")
        guest = self._guest(dom)
        if flags == DomainShutdownFlags.GUEST_AGENT:
            raise agent_missing(guest)
        if guest.state != DomainState.RUNNING:
            raise operation_invalid("domain is not running")
        await self._press_power(guest, reboot=guest.require_active().on_poweroff == "restart")

    async def domain_reboot(self, dom: DomainRef, flags: int) -> None:
        """virDomainReboot: press the power button and start over when the guest is down."""
        check_flags(flags, _REBOOT_FLAGS, "qemuDomainReboot")
        if flags == DomainRebootFlags.GUEST_AGENT:
            raise agent_missing(self._guest(dom))
        guest = self._running(dom)
        await self._press_power(guest, reboot=guest.require_active().on_reboot != "destroy")

    async def _press_power(self, guest: Guest, *, reboot: bool) -> None:
        async with guest.job("modify"):
            monitor = guest.monitor
            assert guest.runtime is not None
            guest.runtime.fake_reboot = reboot
            await guest.save_status()
            await commands.system_powerdown(monitor)

    async def domain_reset(self, dom: DomainRef, flags: int) -> None:
        """virDomainReset."""
        check_flags(flags, 0, "qemuDomainReset")
        guest = self._running(dom)
        async with guest.job("modify"):
            monitor = guest.monitor
            assert guest.runtime is not None
            guest.runtime.fake_reboot = False
            await commands.system_reset(monitor)
            if guest.state == DomainState.CRASHED:
                guest.set_state(DomainState.PAUSED, DomainPausedReason.CRASHED)
            await guest.save_status()

    async def domain_suspend(self, dom: DomainRef) -> None:
        """virDomainSuspend."""
        guest = self._running(dom)
        async with guest.job("suspend"):
            runtime, monitor = guest.runtime, guest.monitor
            assert runtime is not None
            if guest.state == DomainState.PMSUSPENDED:
                raise operation_invalid("domain is pmsuspended")
            if guest.state == DomainState.PAUSED:
                return
            runtime.pause_reason = DomainPausedReason.USER
            try:
                await commands.stop(monitor)
            finally:
                runtime.pause_reason = None
            await guest.status_saved()

    async def domain_resume(self, dom: DomainRef) -> None:
        """virDomainResume."""
        guest = self._running(dom)
        async with guest.job("modify"):
            runtime, monitor = guest.runtime, guest.monitor
            assert runtime is not None
            if guest.state == DomainState.PMSUSPENDED:
                raise operation_invalid("domain is pmsuspended")
            if guest.state == DomainState.RUNNING:
                raise operation_invalid("domain is already running")
            runtime.resume_reason = DomainRunningReason.UNPAUSED
            try:
                await commands.cont(monitor)
            finally:
                runtime.resume_reason = None
            await guest.status_saved()

    async def domain_pm_wakeup(self, dom: DomainRef, flags: int) -> None:
        """virDomainPMWakeup."""
        check_flags(flags, 0, "qemuDomainPMWakeup")
        guest = self._running(dom)
        async with guest.job("modify"):
            await commands.system_wakeup(guest.monitor)

    async def domain_inject_nmi(self, dom: DomainRef, flags: int) -> None:
        """virDomainInjectNMI."""
        check_flags(flags, 0, "qemuDomainInjectNMI")
        guest = self._running(dom)
        async with guest.job("modify"):
            await commands.inject_nmi(guest.monitor)


def agent_missing(guest: Guest) -> VirtError:
    """What stands in the way of asking the guest's agent."""
    if guest.state != DomainState.RUNNING:
        return operation_invalid("domain is not running")
    if agent_channel(guest.require_active()) is not None:
        return VirtError(Code.AGENT_UNRESPONSIVE, "QEMU guest agent is not connected")
    return VirtError(Code.ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured")
