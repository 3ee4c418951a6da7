# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<virtualport>`: what a managed switch (802.1Qbg, 802.1Qbh, Open vSwitch, MidoNet) is told about a device."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import uuid4

from conf.binding import Model, ParseOptions, Uuid, attr, child, number
from conf.errors import ConfigUnsupportedError, XMLError

LONGEST_PROFILE = 39


def _uuid(name: str) -> Any:
    return attr(name, error=(XMLError, f"cannot parse {name} parameter as a uuid"))


def _number(name: str) -> Any:
    return attr(name, error=(XMLError, f"cannot parse value of {name} parameter"))


_AnyBase = Annotated[int, number(base=0)]


class VirtualPortParameters(Model):
    """`<parameters>`."""

    managerid: _AnyBase | None = _number("managerid")
    typeid: _AnyBase | None = _number("typeid")
    typeidversion: _AnyBase | None = _number("typeidversion")
    instanceid: Uuid | None = _uuid("instanceid")
    interfaceid: Uuid | None = _uuid("interfaceid")
    profileid: str | None = attr(empty_is_unset=True)

    def check(self, options: ParseOptions) -> None:
        if self.managerid is not None and self.managerid > 0xFF:
            raise XMLError("value of managerid out of range")
        if self.typeid is not None and self.typeid > 0xFFFFFF:
            raise XMLError("value for typeid out of range")
        if self.typeidversion is not None and self.typeidversion > 0xFF:
            raise XMLError("value of typeidversion out of range")
        if self.profileid is not None and len(self.profileid.encode()) > LONGEST_PROFILE:
            raise XMLError("profileid parameter too long")


class VirtualPort(Model):
    """`<virtualport>`; without a type, that of the network counts."""

    type: Literal["802.1Qbg", "802.1Qbh", "openvswitch", "midonet"] | None = attr(
        error=(ConfigUnsupportedError, "unknown virtualport type %s")
    )
    parameters: VirtualPortParameters | None = child()

    def check(self, options: ParseOptions) -> None:
        allowed = PARAMETERS.get(self.type or "none")
        if allowed is None or self.parameters is None:
            return
        for name in VirtualPortParameters.model_fields:
            if getattr(self.parameters, name) is None or name in allowed:
                continue
            if self.type == "midonet":
                setattr(self.parameters, name, None)
            else:
                raise XMLError(f"extra {name} unsupported in <virtualport type='{self.type}'>")


#: Type → the parameters it has.
PARAMETERS: dict[str, frozenset[str]] = {
    "802.1Qbg": frozenset({"managerid", "typeid", "typeidversion", "instanceid"}),
    "802.1Qbh": frozenset({"profileid"}),
    "openvswitch": frozenset({"interfaceid", "profileid"}),
    "midonet": frozenset({"interfaceid"}),
}

#: Type → parameters that are made up where they are missing.
GENERATED: dict[str, tuple[str, ...]] = {
    "none": ("instanceid", "interfaceid"),
    "802.1Qbg": ("instanceid",),
    "openvswitch": ("interfaceid",),
}
#: Type → parameters that somebody has to choose.
REQUIRED: dict[str, tuple[str, ...]] = {
    "802.1Qbg": ("managerid", "typeid", "typeidversion"),
    "802.1Qbh": ("profileid",),
    "midonet": ("interfaceid",),
}


def complete_virtualport(port: VirtualPort, *, of_network: bool) -> None:
    """Make up the identifiers that a guest's interface needs.

    Args:
        of_network: what else is missing may come from the network.

    Raises:
        XMLError: something is missing.
    """
    kind = port.type or "none"
    if kind == "none" and not of_network:
        raise XMLError("missing required virtualport type")
    parameters = port.parameters or VirtualPortParameters()
    for name in GENERATED.get(kind, ()):
        if getattr(parameters, name) is None:
            setattr(parameters, name, str(uuid4()))
    for name in () if of_network else REQUIRED.get(kind, ()):
        if getattr(parameters, name) is None:
            raise XMLError(f"missing {name} in <virtualport type='{kind}'>")
    port.parameters = parameters
