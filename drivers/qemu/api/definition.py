# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining, renaming and showing domains; their autostart."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path

from conf.domain import Domain, format_domain
from drivers.qemu import persistence, prepare
from drivers.qemu.api.base import Part, refuse
from drivers.qemu.cpu.cpu_map import load_cpu_map
from drivers.qemu.cpu.guest import expand_cpu
from drivers.qemu.guest import Guest
from drivers.qemu.hostside.nvram import variables_path
from drivers.qemu.migratable import migratable_form
from virtd.enums import DomainDefineFlags, DomainEventDefinedDetailType, DomainEventType, DomainEventUndefinedDetailType
from virtd.enums import DomainUndefineFlags as Undefine
from virtd.enums import DomainXMLFlags as Xml
from virtd.errors import Code, From, VirtError, check_flags, operation_invalid
from virtd.refs import DomainRef
from virtd.store import files

_XML_FLAGS = Xml.SECURE | Xml.INACTIVE | Xml.UPDATE_CPU | Xml.MIGRATABLE
_UNDEFINE_FLAGS = (1 << 7) - 1


class DefinitionApi(Part):
    """virDomainDefineXML, virDomainUndefine, virDomainRename, virDomainGetXMLDesc, virDomain…Autostart."""

    async def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        """virDomainDefineXMLFlags."""
        check_flags(flags, DomainDefineFlags.VALIDATE, "qemuDomainDefineXMLFlags")
        domain = await prepare.definition(self._context, xml, validate=bool(flags & DomainDefineFlags.VALIDATE))
        while True:
            guest = self._context.guests.place(domain) or self._new_guest(domain)
            async with guest.job("modify"):
                if self._context.guests.by_uuid(guest.uuid) is guest:  # else undefined while we waited
                    await self._store(guest, domain)
                    return guest.ref

    def _new_guest(self, domain: Domain) -> Guest:
        guest = Guest(self._context, domain)
        guest.set_persistent(domain)
        self._context.guests.add(guest)
        return guest

    async def _store(self, guest: Guest, domain: Domain) -> None:
        """Exchange the stored definition; on failure all is as before."""
        before = guest.persistent if guest.persistent is not domain else None
        guest.set_persistent(domain)
        try:
            await guest.save_persistent()
        except OSError as error:
            guest.set_persistent(before)
            if not guest.active and before is None:
                self._context.guests.remove(guest)
            raise write_failed(self._context.paths.definition(guest.name), error) from error
        for feature in self._context.features:
            feature.guest_redefined(guest)
        details = DomainEventDefinedDetailType
        guest.emit_lifecycle(DomainEventType.DEFINED, details.UPDATED if before else details.ADDED)

    async def domain_undefine_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainUndefineFlags."""
        check_flags(flags, _UNDEFINE_FLAGS, "qemuDomainUndefineFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            if guest.persistent is None:
                raise operation_invalid("cannot undefine transient domain")
            if not guest.active:
                await _settle_nvram(guest.persistent, flags)
            try:
                await persistence.remove_definition(guest)
            except OSError as error:
                raise write_failed(self._context.paths.definition(guest.name), error) from error
            guest.autostart = False
            guest.set_persistent(None)
            guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.REMOVED)
            if not guest.active:
                self._context.guests.remove(guest)

    async def domain_rename(self, dom: DomainRef, new_name: str | None, flags: int) -> int:
        """virDomainRename.  Only inactive, stored guests have a name that can change."""
        check_flags(flags, 0, "qemuDomainRename")
        guest = self._guest(dom)
        async with guest.job("modify"):
            name = self._new_name(guest, new_name)
            old = guest.name
            guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.RENAMED)
            await self._rename_files(guest, old, name)
            guest.emit_lifecycle(DomainEventType.DEFINED, DomainEventDefinedDetailType.RENAMED)
        return 0

    def _new_name(self, guest: Guest, name: str | None) -> str:
        if guest.active:
            raise operation_invalid("cannot rename active domain")
        if guest.persistent is None:
            raise operation_invalid("cannot rename a transient domain")
        if not name:
            raise refuse("string new_name in virDomainRename must not be empty")
        if "/" in name:
            raise VirtError(Code.XML_ERROR, f"name {name} cannot contain '/'")
        if name == guest.name:
            raise _name_refused("Can't rename domain to itself")
        if self._context.guests.by_name(name) is not None:
            raise _name_refused(f"domain with name '{name}' already exists")
        return name

    async def _rename_files(self, guest: Guest, old: str, name: str) -> None:
        """The new definition is there before the old one goes: a crash leaves one of them or both, never none."""
        paths, definition = self._context.paths, guest.persistent
        assert definition is not None
        guest.name = definition.name = name
        self._context.guests.renamed(guest, old)
        try:
            await guest.save_persistent()
        except OSError as error:
            guest.name = definition.name = old
            self._context.guests.renamed(guest, name)
            raise write_failed(paths.definition(name), error) from error
        if guest.autostart:
            await persistence.save_autostart(guest, on=True)
            await asyncio.to_thread(files.remove, paths.autostart_link(old))
        await asyncio.to_thread(files.remove, paths.definition(old))

    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str | Coroutine[object, object, str]:
        """virDomainGetXMLDesc; a coroutine where the emulator has to be asked (UPDATE_CPU)."""
        check_flags(flags, _XML_FLAGS, "qemuDomainGetXMLDesc")
        guest = self._guest(dom)
        stored = guest.persistent if flags & Xml.INACTIVE or not guest.active else None
        if flags & Xml.UPDATE_CPU and stored is not None and stored.cpu is not None:
            return self._with_real_cpu(guest, stored, flags)
        return guest.xml(
            inactive=bool(flags & Xml.INACTIVE),
            secure=bool(flags & Xml.SECURE),
            migratable=bool(flags & Xml.MIGRATABLE),
        )

    async def _with_real_cpu(self, guest: Guest, stored: Domain, flags: int) -> str:
        """The stored definition with the CPU that the guest would get if it was started now."""
        assert stored.cpu is not None
        shown = migratable_form(stored) if flags & Xml.MIGRATABLE else stored.model_copy()
        capabilities = await self._context.capabilities.get(stored.devices.emulator or "")
        if stored.cpu.mode == "host-model" or stored.cpu.model is not None:
            cpu_map = load_cpu_map(stored.os.arch or "")
            shown.cpu = expand_cpu(capabilities, stored.type, cpu_map, stored.cpu)
            if shown.cpu.model is not None:  # it is a description here, not yet an order
                shown.cpu.model.fallback = stored.cpu.model.fallback if stored.cpu.model is not None else "allow"
        return format_domain(shown, secure=bool(flags & Xml.SECURE), migratable=bool(flags & Xml.MIGRATABLE))

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
                await persistence.save_autostart(guest, on=bool(autostart))
                guest.autostart = bool(autostart)


def _name_refused(text: str) -> VirtError:
    return VirtError(Code.OPERATION_INVALID, text, source=From.DOMAIN)


def write_failed(path: Path, error: OSError) -> VirtError:
    """A file could not be written: libvirt's SYSTEM_ERROR."""
    return VirtError(Code.SYSTEM_ERROR, f"Failed to create file '{path}': {os.strerror(error.errno or 0)}")


async def _settle_nvram(domain: Domain, flags: int) -> None:
    """Remove the guest's firmware variables, or keep them, as the flags say; saying nothing is refused where there are some."""
    path = variables_path(domain)
    if path is None or not await asyncio.to_thread(path.exists):
        return
    if flags & Undefine.NVRAM:
        await asyncio.to_thread(path.unlink)
    elif not flags & Undefine.KEEP_NVRAM:
        raise operation_invalid("cannot undefine domain with nvram")
