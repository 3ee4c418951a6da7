# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining and showing domains; their autostart."""

from __future__ import annotations

from conf.domain import Domain, format_domain
from drivers.common.definition import Definition
from drivers.common.persistence import DefinitionFiles
from drivers.lxc import fromnative, prepare
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.enums import DomainDefineFlags
from virtd.enums import DomainXMLFlags as Xml
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.refs import DomainRef

_XML_FLAGS = Xml.SECURE | Xml.INACTIVE | Xml.MIGRATABLE
#: What the files of the lxc tools are called.
NATIVE_FORMAT = "lxc-tools"


class DefinitionApi(Part, Definition[Guest]):
    """virDomainDefineXML, virDomainUndefine, virDomainGetXMLDesc, virDomain…Autostart, virConnectDomainXMLFromNative."""

    @property
    def files(self) -> DefinitionFiles:
        return self._context.paths.definitions

    def new_guest(self, domain: Domain) -> Guest:
        return Guest(self._context, domain)

    async def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        """virDomainDefineXMLFlags."""
        check_flags(flags, DomainDefineFlags.VALIDATE, "lxcDomainDefineXMLFlags")
        domain = await prepare.definition(xml, validate=bool(flags & DomainDefineFlags.VALIDATE))
        return (await self.store(domain)).ref

    async def domain_undefine_flags(self, dom: DomainRef, flags: int) -> None:
        """virDomainUndefineFlags."""
        check_flags(flags, 0, "lxcDomainUndefineFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            if guest.persistent is None:
                raise operation_invalid("Cannot undefine transient domain")
            await self.forget(guest)

    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        """virDomainGetXMLDesc."""
        check_flags(flags, _XML_FLAGS, "lxcDomainGetXMLDesc")
        return self._guest(dom).xml(
            inactive=bool(flags & Xml.INACTIVE),
            secure=bool(flags & Xml.SECURE),
            migratable=bool(flags & Xml.MIGRATABLE),
        )

    def connect_domain_xml_from_native(self, native_format: str, native_config: str, flags: int) -> str:
        """virConnectDomainXMLFromNative."""
        check_flags(flags, 0, "lxcConnectDomainXMLFromNative")
        if native_format != NATIVE_FORMAT:
            raise VirtError(Code.INVALID_ARG, f"unsupported config type {native_format}")
        return format_domain(fromnative.parse(native_config))
