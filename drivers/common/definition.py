# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storing and forgetting definitions, and which guests start with the host: the same for all drivers that keep files."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from conf.domain import Domain
from drivers.common.part import GuestPart
from drivers.common.persistence import DefinitionFiles, write_failed
from drivers.common.storedguest import StoredGuest
from virtd.enums import DomainDefineFlags, DomainEventDefinedDetailType, DomainEventType, DomainEventUndefinedDetailType
from virtd.errors import check_flags, operation_invalid
from virtd.refs import DomainRef

S = TypeVar("S", bound=StoredGuest)


class Definition(GuestPart[S]):
    """virDomainDefineXML, virDomainUndefine, virDomain…Autostart."""

    #: The `DomainUndefineFlags` that the driver knows.
    undefine_flags: ClassVar[int] = 0

    @property
    def files(self) -> DefinitionFiles:
        """Where the driver keeps definitions."""
        raise NotImplementedError

    def new_guest(self, domain: Domain) -> S:
        """The object for a guest that is not known yet."""
        raise NotImplementedError

    async def prepared(self, xml: str, *, validate: bool) -> Domain:
        """A client's definition: parsed (against the schema too, if it is to `validate`), completed, checked.

        Raises:
            ConfError, VirtError: what is wrong with it.
        """
        raise NotImplementedError

    def redefined(self, guest: S) -> None:
        """The guest has a new stored definition; a driver may have something to do then."""

    async def settle(self, guest: S, flags: int) -> None:
        """Remove or keep what else there is of a guest that is about to be undefined, as the `DomainUndefineFlags` say.

        Raises:
            VirtError: they do not say; the guest stays.
        """

    async def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        """virDomainDefineXMLFlags."""
        check_flags(flags, DomainDefineFlags.VALIDATE, f"{self.prefix}DomainDefineXMLFlags")
        domain = await self.prepared(xml, validate=bool(flags & DomainDefineFlags.VALIDATE))
        return (await self.store(domain)).ref

    async def store(self, domain: Domain) -> S:
        """Make `domain` the stored definition of the guest that its name and uuid belong to, or of a new one.

        Raises:
            VirtError: OPERATION_FAILED, they belong to different guests; SYSTEM_ERROR, nothing was changed.
        """
        while True:
            guest = self.guests.place(domain) or self._added(domain)
            async with guest.job("modify"):
                if self.guests.by_uuid(guest.uuid) is guest:  # else undefined while we waited
                    await self._exchange(guest, domain)
                    return guest

    def _added(self, domain: Domain) -> S:
        guest = self.new_guest(domain)
        guest.set_persistent(domain)
        self.guests.add(guest)
        return guest

    async def _exchange(self, guest: S, domain: Domain) -> None:
        """Exchange the stored definition; on failure all is as before."""
        before = guest.persistent if guest.persistent is not domain else None
        guest.set_persistent(domain)
        try:
            await guest.save_persistent()
        except OSError as error:
            guest.set_persistent(before)
            if not guest.active and before is None:
                self.guests.remove(guest)
            raise write_failed(self.files.path(guest.name), error) from error
        self.redefined(guest)
        details = DomainEventDefinedDetailType
        guest.emit_lifecycle(DomainEventType.DEFINED, details.UPDATED if before else details.ADDED)

    async def domain_undefine_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainUndefineFlags: a guest that runs goes on as a transient one."""
        check_flags(flags, self.undefine_flags, f"{self.prefix}DomainUndefineFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            if guest.persistent is None:
                raise operation_invalid("cannot undefine transient domain")
            await self.settle(guest, flags)
            await self._forget(guest)

    async def _forget(self, guest: S) -> None:
        try:
            await self.files.remove(guest.name)
        except OSError as error:
            raise write_failed(self.files.path(guest.name), error) from error
        guest.autostart = False
        guest.set_persistent(None)
        guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.REMOVED)
        if not guest.active:
            self.guests.remove(guest)

    def domain_get_autostart(self, dom: DomainRef) -> int:
        """virDomainGetAutostart."""
        return int(self._guest(dom).autostart)

    async def domain_set_autostart(self, dom: DomainRef, autostart: int) -> None:
        """virDomainSetAutostart."""
        guest = self._guest(dom)
        if guest.persistent is None:
            raise operation_invalid("cannot set autostart for transient domain")
        async with guest.job("modify"):
            if guest.autostart != bool(autostart):
                try:
                    await self.files.set_autostart(guest.name, on=bool(autostart))
                except OSError as error:
                    raise write_failed(self.files.autostart_link(guest.name), error) from error
                guest.autostart = bool(autostart)
