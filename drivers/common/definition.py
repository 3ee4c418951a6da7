# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storing and forgetting definitions, and which guests start with the host: the same for all drivers that keep files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from conf.domain import Domain
from drivers.common.part import GuestPart
from drivers.common.persistence import DefinitionFiles
from drivers.common.storedguest import StoredGuest
from virtd.enums import DomainEventDefinedDetailType, DomainEventType, DomainEventUndefinedDetailType
from virtd.errors import Code, VirtError, operation_invalid
from virtd.refs import DomainRef

S = TypeVar("S", bound=StoredGuest)


class Definition(GuestPart[S]):
    """virDomain…Autostart whole; the steps of virDomainDefineXML and virDomainUndefine."""

    @property
    def files(self) -> DefinitionFiles:
        """Where the driver keeps definitions."""
        raise NotImplementedError

    def new_guest(self, domain: Domain) -> S:
        """The object for a guest that is not known yet."""
        raise NotImplementedError

    def redefined(self, guest: S) -> None:
        """The guest has a new stored definition; a driver may have something to do then."""

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

    async def forget(self, guest: S) -> None:
        """Remove the stored definition; the caller holds the guest's job.  A guest that runs goes on as a transient one.

        Raises:
            VirtError: SYSTEM_ERROR.
        """
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
                await self.files.set_autostart(guest.name, on=bool(autostart))
                guest.autostart = bool(autostart)


def write_failed(path: Path, error: OSError) -> VirtError:
    """A file could not be written: libvirt's SYSTEM_ERROR."""
    return VirtError(Code.SYSTEM_ERROR, f"Failed to create file '{path}': {os.strerror(error.errno or 0)}")
