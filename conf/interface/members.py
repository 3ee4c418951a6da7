# SPDX-License-Identifier: LGPL-2.1-or-later
"""What interfaces of each type consist of, whether they stand alone or in another one."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Int, Model, ParseOptions, Scalar, attr, child, children
from conf.errors import XMLError
from conf.netdev.link import NetLink

NO_NAME = (XMLError, "interface has no name")


class NoMember(Model):
    """`<interface>` of a type that cannot be part of the one around it."""

    type: Literal["bridge", "bond", "vlan"] = attr()

    def check(self, options: ParseOptions) -> None:
        raise XMLError(f"interface has unsupported type '{self.type}'")


class Part(Model):
    """`<interface>`."""

    @property
    def has_end_tag(self) -> bool:
        return True


class EthernetPart(Part):
    """A network device."""

    type: Literal["ethernet"] = attr(default="ethernet")
    name: str = attr(required=NO_NAME)
    link: NetLink | None = child()
    mac: str | None = attr("address", at="mac", empty_is_unset=True)


class VlanTag(Model):
    """`<vlan>`: the tag, and the name of the interface that carries it."""

    tag: str = attr(required=(XMLError, "vlan interface misses the tag attribute"))
    interface: str = attr("name", at="interface", required=(XMLError, "vlan interface misses name attribute"))


class VlanPart(Part):
    """The packets of one tag on another interface."""

    type: Literal["vlan"] = attr(default="vlan")
    name: str = attr(required=NO_NAME)
    link: NetLink | None = child()
    vlan: VlanTag = child(required=(XMLError, "vlan interface misses the vlan element"))


class Miimon(Model):
    """`<miimon>`: members are watched by asking their drivers; times in milliseconds."""

    freq: Int = attr(
        required=(XMLError, "bond interface miimon freq missing or invalid"),
        error=(XMLError, "bond interface miimon freq missing or invalid"),
    )
    downdelay: Int | None = attr(omit=0, error=(XMLError, "bond interface miimon downdelay invalid"))
    updelay: Int | None = attr(omit=0, error=(XMLError, "bond interface miimon updelay invalid"))
    carrier: Literal["ioctl", "netif"] | None = attr(
        empty_is_unset=True, error=(XMLError, "unknown mii bonding carrier %s")
    )


class Arpmon(Model):
    """`<arpmon>`: members are watched by asking `target` every `interval` milliseconds."""

    interval: Int = attr(
        required=(XMLError, "bond interface arpmon interval missing or invalid"),
        error=(XMLError, "bond interface arpmon interval missing or invalid"),
    )
    target: str = attr(required=(XMLError, "bond interface arpmon target missing"))
    validate_: Literal["active", "backup", "all"] | None = attr(
        "validate", empty_is_unset=True, error=(XMLError, "unknown arp bonding validate %s")
    )


class BondOptions(Part):
    """`<bond>`: network devices that work as one."""

    mode: (
        Literal["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"]
        | None
    ) = attr(empty_is_unset=True, error=(XMLError, "unknown bonding mode %s"))
    miimon: Miimon | None = child()
    arpmon: Arpmon | None = child()
    members: list[NoMember | EthernetPart] = children("interface", by="type")

    def check(self, options: ParseOptions) -> None:
        if self.miimon is not None:
            self.arpmon = None


class BondPart(Part):
    """A bond."""

    type: Literal["bond"] = attr(default="bond")
    name: str = attr(required=NO_NAME)
    link: NetLink | None = child()
    bond: BondOptions = child(required=(XMLError, "bond interface misses the bond element"), keep_empty=True)


#: What is neither "on" nor "off" is passed over.
STP = Annotated[bool, Scalar({"on": True, "off": False}.get, lambda value: "on" if value else "off")]


class BridgeOptions(Part):
    """`<bridge>`: `delay` is that of forwarding, in seconds."""

    stp: STP | None = attr()
    delay: str | None = attr()
    members: list[NoMember | EthernetPart | BondPart | VlanPart] = children("interface", by="type")


class BridgePart(Part):
    """A bridge."""

    type: Literal["bridge"] = attr(default="bridge")
    name: str = attr(required=NO_NAME)
    bridge: BridgeOptions = child(required=(XMLError, "bridge interface misses the bridge element"), keep_empty=True)
