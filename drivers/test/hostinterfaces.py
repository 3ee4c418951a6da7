# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network interfaces of a make-believe host."""

from __future__ import annotations

from dataclasses import dataclass

from conf.interface import Interface, parse_interface
from virtd.errors import Code, VirtError
from virtd.refs import InterfaceRef


@dataclass(slots=True)
class HostInterface:
    """An interface of a host."""

    definition: Interface
    active: bool = False

    @property
    def ref(self) -> InterfaceRef:
        """The interface as a client's handle."""
        return InterfaceRef(self.definition.name, self.mac)

    @property
    def mac(self) -> str:
        """Its address; "" where the definition has none."""
        return getattr(self.definition, "mac", None) or ""


class Interfaces(dict[str, HostInterface]):
    """Those of a host by name; `before` is how they were when the transaction began that is going on."""

    before: dict[str, HostInterface] | None = None

    def define(self, xml: str | bytes) -> HostInterface:
        """Store a definition.  Raises ConfError."""
        definition = parse_interface(xml)
        found = self.get(definition.name)
        self[definition.name] = HostInterface(definition, active=found is not None and found.active)
        return self[definition.name]

    def named(self, name: str) -> HostInterface:
        """The interface of this name.  Raises NO_INTERFACE."""
        if name not in self:
            raise VirtError(Code.NO_INTERFACE, f"no interface with matching name '{name}'")
        return self[name]
