# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's network interfaces, and changes of them that can be taken back."""

from __future__ import annotations

from copy import deepcopy

from conf.interface import format_interface
from drivers.common.filters import passes
from drivers.common.schema import validated
from drivers.test.base import Part
from drivers.test.hostinterfaces import Interfaces
from virtd.enums import ConnectListAllInterfacesFlags as List
from virtd.enums import InterfaceDefineFlags
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.refs import InterfaceRef

_ACTIVE = List.ACTIVE, List.INACTIVE


class InterfaceApi(Part):
    """virInterface…, virConnectListAllInterfaces."""

    @property
    def _interfaces(self) -> Interfaces:
        return self.world.interfaces

    def connect_list_all_interfaces(self, flags: int) -> list[InterfaceRef]:
        """virConnectListAllInterfaces."""
        check_flags(flags, List.ACTIVE | List.INACTIVE, "testConnectListAllInterfaces")
        return [found.ref for found in self._interfaces.values() if passes(flags, _ACTIVE, found.active)]

    def interface_lookup_by_name(self, name: str) -> InterfaceRef:
        """virInterfaceLookupByName."""
        return self._interfaces.named(name).ref

    def interface_lookup_by_mac_string(self, mac: str) -> InterfaceRef:
        """virInterfaceLookupByMACString."""
        found = [interface for interface in self._interfaces.values() if interface.mac.lower() == mac.lower()]
        if not found:
            raise VirtError(Code.NO_INTERFACE, f"no interface with matching mac '{mac}'")
        if len(found) > 1:
            raise VirtError(Code.MULTIPLE_INTERFACES)
        return found[0].ref

    def interface_is_active(self, iface: InterfaceRef) -> int:
        """virInterfaceIsActive."""
        return int(self._interfaces.named(iface.name).active)

    def interface_get_xml_desc(self, iface: InterfaceRef, flags: int) -> str:
        """virInterfaceGetXMLDesc."""
        check_flags(flags, 0, "testInterfaceGetXMLDesc")
        return format_interface(self._interfaces.named(iface.name).definition)

    @validated("interface.rng", InterfaceDefineFlags.VALIDATE)
    def interface_define_xml(self, xml: str, flags: int) -> InterfaceRef:
        """virInterfaceDefineXML."""
        check_flags(flags, InterfaceDefineFlags.VALIDATE, "testInterfaceDefineXML")
        return self._interfaces.define(xml).ref

    def interface_undefine(self, iface: InterfaceRef) -> None:
        """virInterfaceUndefine."""
        self._interfaces.named(iface.name)
        del self._interfaces[iface.name]

    def interface_create(self, iface: InterfaceRef, flags: int) -> None:
        """virInterfaceCreate."""
        check_flags(flags, 0, "testInterfaceCreate")
        self._set_active(iface, active=True)

    def interface_destroy(self, iface: InterfaceRef, flags: int) -> None:
        """virInterfaceDestroy."""
        check_flags(flags, 0, "testInterfaceDestroy")
        self._set_active(iface, active=False)

    def _set_active(self, iface: InterfaceRef, *, active: bool) -> None:
        interface = self._interfaces.named(iface.name)
        if interface.active == active:
            raise VirtError(Code.OPERATION_INVALID)
        interface.active = active

    def interface_change_begin(self, flags: int) -> None:
        """virInterfaceChangeBegin: from here on changes can be taken back."""
        check_flags(flags, 0, "testInterfaceChangeBegin")
        if self._interfaces.before is not None:
            raise operation_invalid("there is another transaction running.")
        self._interfaces.before = deepcopy(dict(self._interfaces))

    def interface_change_commit(self, flags: int) -> None:
        """virInterfaceChangeCommit."""
        check_flags(flags, 0, "testInterfaceChangeCommit")
        if self._interfaces.before is None:
            raise operation_invalid("no transaction running, nothing to be committed.")
        self._interfaces.before = None

    def interface_change_rollback(self, flags: int) -> None:
        """virInterfaceChangeRollback."""
        check_flags(flags, 0, "testInterfaceChangeRollback")
        interfaces = self._interfaces
        if interfaces.before is None:
            raise operation_invalid("no transaction running, nothing to rollback.")
        before, interfaces.before = interfaces.before, None
        interfaces.clear()
        interfaces.update(before)
