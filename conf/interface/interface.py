# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<interface>`: a network interface of the host, of one of four types."""

from __future__ import annotations

from typing import Literal, TypeAlias

from conf.binding import Model, ParseOptions, Uint, attr, children
from conf.errors import InternalError, XMLError
from conf.interface.members import BondPart, BridgePart, EthernetPart, VlanPart
from conf.interface.protocol import IPv4Protocol, IPv6Protocol

#: Bytes in a packet.
LARGEST_MTU = 100_000


class Configured(Model):
    """What only an interface that stands alone has."""

    start: Literal["onboot", "none", "hotplug"] | None = attr(
        "mode", at="start", empty_is_unset=True, error=(XMLError, "unknown interface startmode %s")
    )
    mtu: Uint = attr("size", at="mtu", default=0, omit=0, error=(InternalError, "invalid size '%s' of element 'mtu'"))
    protocols: list[IPv4Protocol | IPv6Protocol] = children(
        "protocol",
        by="family",
        missing=(XMLError, "protocol misses the family attribute"),
        error=(XMLError, "unsupported protocol family '%s'"),
    )

    def check(self, options: ParseOptions) -> None:
        if self.mtu > LARGEST_MTU:
            raise XMLError(f"value of the 'size' attribute of 'mtu' element must be at most {LARGEST_MTU}")


class Ethernet(Configured, EthernetPart):
    """`<interface type='ethernet'>`."""


class Bridge(Configured, BridgePart):
    """`<interface type='bridge'>`."""


class Bond(Configured, BondPart):
    """`<interface type='bond'>`."""


class VlanInterface(Configured, VlanPart):
    """`<interface type='vlan'>`."""


Interface: TypeAlias = Ethernet | Bridge | Bond | VlanInterface
TYPES: dict[str, type[Interface]] = {"ethernet": Ethernet, "bridge": Bridge, "bond": Bond, "vlan": VlanInterface}
