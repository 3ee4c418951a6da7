# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining, renaming and showing domains; their autostart."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path

from conf.domain import Domain, format_domain, parse_domain
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.common.definition import Definition
from drivers.common.persistence import DefinitionFiles, write_failed
from drivers.common.renaming import checked_name
from drivers.qemu import prepare
from drivers.qemu.api.base import Part
from drivers.qemu.cpu.guest import expand_cpu
from drivers.qemu.defaults.firmware import default_variables
from drivers.qemu.guest import Guest
from drivers.qemu.hostside.nvram import variables_path
from drivers.qemu.migratable import migratable_form
from virtd.enums import DomainEventDefinedDetailType, DomainEventType, DomainEventUndefinedDetailType
from virtd.enums import DomainUndefineFlags as Undefine
from virtd.enums import DomainXMLFlags as Xml
from virtd.errors import check_flags, operation_invalid
from virtd.refs import DomainRef
from virtd.threads import in_thread

_XML_FLAGS = Xml.SECURE | Xml.INACTIVE | Xml.UPDATE_CPU | Xml.MIGRATABLE


class DefinitionApi(Part, Definition[Guest]):
    """virDomainDefineXML, virDomainUndefine, virDomainRename, virDomainGetXMLDesc, virDomain…Autostart."""

    undefine_flags = (1 << 7) - 1

    @property
    def files(self) -> DefinitionFiles:
        return self._context.paths.definitions

    def new_guest(self, domain: Domain) -> Guest:
        return Guest(self._context, domain)

    def redefined(self, guest: Guest) -> None:
        for feature in self._context.features:
            feature.guest_redefined(guest)

    async def prepared(self, xml: str, *, validate: bool) -> Domain:
        return await prepare.definition(self._context, xml, validate=validate)

    async def domain_undefine_flags(self, dom: DomainRef, flags: int) -> None:
        if flags & Undefine.NVRAM and flags & Undefine.KEEP_NVRAM:
            raise operation_invalid("cannot both keep and delete nvram")
        await super().domain_undefine_flags(dom, flags)

    async def settle(self, guest: Guest, flags: int) -> None:
        await _settle_nvram(self._variables(guest.definition), flags)

    def _variables(self, domain: Domain) -> Path | None:
        """The file of a guest's firmware variables, be it that the next start chooses the firmware."""
        if domain.os.firmware != "efi":
            return variables_path(domain)
        named = domain.os.nvram.path if domain.os.nvram is not None else None
        return Path(named or default_variables(domain, self._context.site.nvram_dir))

    async def domain_rename(self, dom: DomainRef, new_name: str | None, flags: int) -> int:
        """virDomainRename.  Only inactive, stored guests have a name that can change."""
        check_flags(flags, 0, "qemuDomainRename")
        guest = self._guest(dom)
        async with guest.job("modify"):
            name = checked_name(self.guests, guest, new_name)
            old = guest.name
            guest.emit_lifecycle(DomainEventType.UNDEFINED, DomainEventUndefinedDetailType.RENAMED)
            await self._rename_files(guest, old, name)
            guest.emit_lifecycle(DomainEventType.DEFINED, DomainEventDefinedDetailType.RENAMED)
        return 0

    async def _rename_files(self, guest: Guest, old: str, name: str) -> None:
        """The new definition is there before the old one goes: a crash leaves one of them or both, never none."""
        definition = guest.persistent
        assert definition is not None
        guest.name = definition.name = name
        self._context.guests.renamed(guest, old)
        try:
            await guest.save_persistent()
        except OSError as error:
            guest.name = definition.name = old
            self._context.guests.renamed(guest, name)
            raise write_failed(self.files.path(name), error) from error
        if guest.autostart:
            await self.files.set_autostart(name, on=True)
        await self.files.remove(old)

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
        read_anew = parse_domain(format_domain(stored, secure=True))
        shown = migratable_form(read_anew) if flags & Xml.MIGRATABLE else read_anew
        capabilities = await self._context.capabilities.get(stored.devices.emulator or "")
        if stored.cpu.mode == "host-model" or stored.cpu.model is not None:
            cpu_map = load_cpu_map(stored.os.arch or "")
            shown.cpu = expand_cpu(capabilities, stored.type, cpu_map, stored.cpu)
            if shown.cpu.model is not None:  # it is a description here, not yet an order
                shown.cpu.model.fallback = stored.cpu.model.fallback if stored.cpu.model is not None else "allow"
        return format_domain(shown, secure=bool(flags & Xml.SECURE), migratable=bool(flags & Xml.MIGRATABLE))


async def _settle_nvram(path: Path | None, flags: int) -> None:
    """Remove the guest's firmware variables, or keep them, as the flags say; saying nothing is refused where there are some."""
    if path is None or not await in_thread(path.exists):
        return
    if flags & Undefine.NVRAM:
        await in_thread(path.unlink)
    elif not flags & Undefine.KEEP_NVRAM:
        raise operation_invalid("cannot undefine domain with nvram")
