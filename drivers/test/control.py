# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small things that are done to a guest or asked of it."""

from __future__ import annotations

from drivers.common.actions import lifecycle_action
from drivers.common.metadata import ShownMetadata, check_type, set_metadata
from drivers.common.part import IMPACT
from drivers.common.renaming import checked_name
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from virtd.enums import (
    DomainControlState,
    DomainEventDefinedDetailType,
    DomainEventID,
    DomainEventPMSuspendedDetailType,
    DomainEventStartedDetailType,
    DomainEventType,
    DomainEventUndefinedDetailType,
    DomainMessageType,
    DomainProcessSignal,
    DomainRunningReason,
    DomainState,
    NodeSuspendTarget,
)
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import TypedParam
from virtd.refs import DomainRef

#: What virDomainGetSecurityLabel says of a running guest.
SECURITY_LABEL = "libvirt-test"


class ControlApi(DomainPart, ShownMetadata[TestGuest]):
    """virDomainRename, …Metadata, SetLifecycleAction, SendKey, InjectNMI, PMSuspend…, GetSecurityLabel and their like."""

    def domain_rename(self, dom: DomainRef, new_name: str | None, flags: int) -> None:
        """virDomainRename."""
        check_flags(flags, 0, "testDomainRename")
        guest = self._guest(dom)
        name, old = checked_name(self.guests, guest, new_name), guest.name
        assert guest.persistent is not None
        guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.RENAMED)
        guest.name = guest.persistent.name = name
        self.guests.renamed(guest, old)
        guest.emit_lifecycle(DomainEventType.DEFINED, DomainEventDefinedDetailType.RENAMED)

    def domain_set_metadata(
        self, dom: DomainRef, type_: int, metadata: str | None, key: str | None, uri: str | None, flags: int
    ) -> None:
        """virDomainSetMetadata; None removes."""
        check_flags(flags, IMPACT, "testDomainSetMetadata")
        check_type(type_)
        for changed in self._changed(dom, flags):
            set_metadata(changed, type_, metadata, key, uri)
        self._guest(dom).emit(DomainEventID.METADATA_CHANGE, type_, uri)

    def domain_set_lifecycle_action(self, dom: DomainRef, type_: int, action: int, flags: int) -> None:
        """virDomainSetLifecycleAction."""
        check_flags(flags, IMPACT, "testDomainSetLifecycleAction")
        event, wanted = lifecycle_action(type_, action)
        for changed in self._changed(dom, flags):
            setattr(changed, event, wanted)

    # -- what the guest would feel

    def domain_inject_nmi(self, dom: DomainRef, flags: int) -> None:
        """virDomainInjectNMI."""
        check_flags(flags, 0, "testDomainInjectNMI")
        self._running(dom)

    def domain_send_key(self, dom: DomainRef, codeset: int, holdtime: int, keycodes: list[int], flags: int) -> None:
        """virDomainSendKey; `holdtime` in milliseconds."""
        check_flags(flags, 0, "testDomainSendKey")
        self._running(dom)

    def domain_send_process_signal(self, dom: DomainRef, pid_value: int, signum: int, flags: int) -> None:
        """virDomainSendProcessSignal: signals to init that end a guest end this one."""
        check_flags(flags, 0, "testDomainSendProcessSignal")
        if pid_value != 1:
            raise invalid_arg("only sending a signal to pid 1 is supported")
        if signum > DomainProcessSignal.RT32:
            raise invalid_arg(f"signum value {signum} is out of range")
        guest = self._running(dom)
        if signum == DomainProcessSignal.KILL:
            guest.destroy()
        elif signum == DomainProcessSignal.TERM:
            guest.shut_down()
        elif signum == DomainProcessSignal.HUP:
            guest.reboot()

    def domain_pm_suspend_for_duration(self, dom: DomainRef, target: int, duration: int, flags: int) -> None:
        """virDomainPMSuspendForDuration: the guest sleeps (in memory), or is off (on disk) and boots anew later."""
        check_flags(flags, 0, "testDomainPMSuspendForDuration")
        if duration:
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, "Duration not supported. Use 0 for now")
        guest = self._running(dom)
        if guest.state != DomainState.RUNNING:
            raise operation_invalid("domain is not running")
        if target == NodeSuspendTarget.DISK:
            guest.shut_down()
            return
        guest.set_state(DomainState.PMSUSPENDED, 0)
        guest.emit_lifecycle(DomainEventType.PMSUSPENDED, DomainEventPMSuspendedDetailType.MEMORY)
        guest.emit(DomainEventID.PMSUSPEND, 0)

    def domain_pm_wakeup(self, dom: DomainRef, flags: int) -> None:
        """virDomainPMWakeup."""
        check_flags(flags, 0, "testDomainPMWakeup")
        guest = self._running(dom)
        if guest.state != DomainState.PMSUSPENDED:
            raise operation_invalid("Unable to wake up domain that is not suspended")
        guest.set_state(DomainState.RUNNING, DomainRunningReason.WAKEUP)
        guest.emit_lifecycle(DomainEventType.STARTED, DomainEventStartedDetailType.WAKEUP)
        guest.emit(DomainEventID.PMWAKEUP, 0)

    # -- what is known of it

    def domain_get_control_info(self, dom: DomainRef, flags: int) -> tuple[int, int, int]:
        """virDomainGetControlInfo: state, details, milliseconds since it is so."""
        check_flags(flags, 0, "testDomainGetControlInfo")
        self._running(dom)
        return DomainControlState.OK, 0, 0

    def domain_get_security_label(self, dom: DomainRef) -> tuple[str, int]:
        """virDomainGetSecurityLabel: the label, and whether it is enforced."""
        return (SECURITY_LABEL, 1) if self._guest(dom).active else ("", 0)

    def domain_get_security_label_list(self, dom: DomainRef) -> list[tuple[str, int]]:
        """virDomainGetSecurityLabelList."""
        return [(SECURITY_LABEL, 1)] if self._guest(dom).active else []

    def domain_get_launch_security_info(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        """virDomainGetLaunchSecurityInfo: memory is not encrypted here."""
        check_flags(flags, 0, "testDomainGetLaunchSecurityInfo")
        self._guest(dom)
        return []

    def domain_get_messages(self, dom: DomainRef, flags: int) -> list[str]:
        """virDomainGetMessages: nothing here is deprecated, and nobody taints a guest."""
        check_flags(flags, DomainMessageType.DEPRECATION | DomainMessageType.TAINTING, "testDomainGetMessages")
        self._guest(dom)
        return []
