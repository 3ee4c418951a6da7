# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining and showing domains; their autostart."""

from __future__ import annotations

from conf.domain import Domain, format_domain
from drivers.common.definition import Definition
from drivers.common.persistence import DefinitionFiles
from drivers.common.state import XmlDesc
from drivers.lxc import fromnative, prepare
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.errors import Code, VirtError, check_flags

#: What the files of the lxc tools are called.
NATIVE_FORMAT = "lxc-tools"


class DefinitionApi(Part, Definition[Guest], XmlDesc[Guest]):
    """virDomainDefineXML, virDomainUndefine, virDomainGetXMLDesc, virDomain…Autostart, virConnectDomainXMLFromNative."""

    @property
    def files(self) -> DefinitionFiles:
        return self._context.paths.definitions

    def new_guest(self, domain: Domain) -> Guest:
        return Guest(self._context, domain)

    async def prepared(self, xml: str, *, validate: bool) -> Domain:
        return await prepare.definition(xml, validate=validate)

    def connect_domain_xml_from_native(self, native_format: str, native_config: str, flags: int) -> str:
        """virConnectDomainXMLFromNative."""
        check_flags(flags, 0, "lxcConnectDomainXMLFromNative")
        if native_format != NATIVE_FORMAT:
            raise VirtError(Code.INVALID_ARG, f"unsupported config type {native_format}")
        return format_domain(fromnative.parse(native_config))
