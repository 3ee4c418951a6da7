# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining and showing guests."""

from __future__ import annotations

from drivers.common.schema import validated
from drivers.test.base import DomainPart
from drivers.test.defaults import prepare
from drivers.test.guest import TestGuest
from virtd.enums import (
    DomainDefineFlags,
    DomainEventDefinedDetailType,
    DomainEventType,
    DomainEventUndefinedDetailType,
    DomainUndefineFlags,
)
from virtd.enums import DomainXMLFlags as Xml
from virtd.errors import check_flags, operation_invalid
from virtd.refs import DomainRef

_UNDEFINE = (
    DomainUndefineFlags.MANAGED_SAVE | DomainUndefineFlags.SNAPSHOTS_METADATA | DomainUndefineFlags.CHECKPOINTS_METADATA
)


class DefinitionApi(DomainPart):
    """virDomainDefineXML, virDomainUndefine, virDomainGetXMLDesc, virDomain…Autostart."""

    @validated("domain.rng", DomainDefineFlags.VALIDATE)
    def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        """virDomainDefineXMLFlags."""
        check_flags(flags, DomainDefineFlags.VALIDATE, "testDomainDefineXMLFlags")
        domain = prepare(xml)
        guest = self.guests.place(domain)
        if guest is None:
            guest = TestGuest(self.world, domain)
            self.guests.add(guest)
        known = guest.persistent is not None
        guest.persistent = domain
        details = DomainEventDefinedDetailType
        guest.emit_lifecycle(DomainEventType.DEFINED, details.UPDATED if known else details.ADDED)
        return guest.ref

    def domain_undefine_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainUndefineFlags: a guest that runs goes on as a transient one."""
        check_flags(flags, _UNDEFINE, "testDomainUndefineFlags")
        guest = self._guest(dom)
        if guest.persistent is None:
            raise operation_invalid("cannot undefine transient domain")
        _check_kept(guest, flags)
        guest.saved = None
        guest.snapshots.clear()
        guest.checkpoints.clear()
        guest.persistent = None
        guest.autostart = False
        guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.REMOVED)
        if not guest.active:
            self.guests.remove(guest)

    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        """virDomainGetXMLDesc."""
        check_flags(flags, Xml.SECURE | Xml.INACTIVE | Xml.UPDATE_CPU | Xml.MIGRATABLE, "testDomainGetXMLDesc")
        return self._guest(dom).xml(
            inactive=bool(flags & Xml.INACTIVE),
            secure=bool(flags & Xml.SECURE),
            migratable=bool(flags & Xml.MIGRATABLE),
        )

    def domain_get_autostart(self, dom: DomainRef) -> int:
        """virDomainGetAutostart."""
        return int(self._guest(dom).autostart)

    def domain_set_autostart(self, dom: DomainRef, autostart: int) -> None:
        """virDomainSetAutostart."""
        guest = self._guest(dom)
        if guest.persistent is None:
            raise operation_invalid("cannot set autostart for transient domain")
        guest.autostart = bool(autostart)


def _check_kept(guest: TestGuest, flags: int) -> None:
    """Refuse to forget what a guest has beside its definition, unless the caller says so.

    Raises:
        VirtError: OPERATION_INVALID.
    """
    if guest.has_managed_save and not flags & DomainUndefineFlags.MANAGED_SAVE:
        raise operation_invalid("Refusing to undefine while domain managed save image exists")
    if guest.active:
        return
    for moments, word, flag in (
        (guest.snapshots, "snapshots", DomainUndefineFlags.SNAPSHOTS_METADATA),
        (guest.checkpoints, "checkpoints", DomainUndefineFlags.CHECKPOINTS_METADATA),
    ):
        if len(moments) and not flags & flag:
            raise operation_invalid(f"cannot delete inactive domain with {len(moments)} {word}")
