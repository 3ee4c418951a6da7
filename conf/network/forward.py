# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<forward>`: how a network is connected with the world."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from conf.binding import (
    FormatOptions,
    Model,
    ParseOptions,
    Scalar,
    Uint,
    YesNo,
    attr,
    child,
    children,
    number,
    on,
)
from conf.binding.fields import Values
from conf.domain.devices.address import HostPCIAddress
from conf.errors import ConfigUnsupportedError, InternalError, XMLDetailError, XMLError
from conf.naming import NAME
from conf.netdev.ip import canonical_address

ForwardMode = Literal["none", "nat", "route", "open", "bridge", "private", "vepa", "passthrough", "hostdev"]
#: Modes whose packets the host forwards.
FORWARDED: frozenset[str] = frozenset({"nat", "route", "open"})
#: Modes of networks with a bridge that is theirs.
HAS_OWN_BRIDGE: frozenset[str] = FORWARDED | {"none"}

_IN_NAT = f"in <nat> in <forward> in network {NAME}"


class NatAddress(Model):
    """`<address>` of `<nat>`: the range of addresses that guests appear with."""

    start: str = attr(required=(XMLError, f"missing 'start' attribute in <address> element {_IN_NAT}"))
    end: str = attr(required=(XMLError, f"missing 'end' attribute in <address> element {_IN_NAT}"))

    def check(self, options: ParseOptions) -> None:
        self.start, self.end = self._parsed("start"), self._parsed("end")
        first, last = ipaddress.IPv4Address(self.start), ipaddress.IPv4Address(self.end)
        if first > last:
            raise InternalError(f"range {first} - {last} is reversed ")

    def _parsed(self, which: Literal["start", "end"]) -> str:
        given: str = getattr(self, which)
        address = canonical_address(given)
        if address is None or ":" in address:
            raise XMLError(f"Bad ipv4 {which} address '{given}' in <nat> in <forward> in network '{NAME}'")
        return address


def _port(name: str) -> Any:
    complaint = (XMLDetailError, f"Missing or invalid '{name}' attribute in <port> {_IN_NAT}")
    return attr(name, required=complaint, error=complaint)


class NatPort(Model):
    """`<port>` of `<nat>`: the range of ports that guests appear with."""

    start: Annotated[int, number(0, 65535)] = _port("start")
    end: Annotated[int, number(0, 65535)] = _port("end")

    def check(self, options: ParseOptions) -> None:
        if self.end < self.start:
            raise XMLDetailError(f"Missing or invalid 'end' attribute in <port> {_IN_NAT}")


def _only_one(tag: str, where: str) -> Any:
    return child(tag, only=(XMLError, f"Only one <{tag}> element is allowed in {where} of network {NAME}"))


class Nat(Model):
    """`<nat>`."""

    ipv6: YesNo | None = attr()
    address: NatAddress | None = child(only=(XMLError, f"Only one <address> element is allowed {_IN_NAT}"))
    port: NatPort | None = child(only=(XMLError, f"Only one <port> element is allowed {_IN_NAT}"))


class Connections(Model):
    """How many guests use a device, while the network is active."""

    connections: Uint = attr(default=0, live=True, omit=0)


class ForwardInterface(Connections):
    """`<interface>`: a device of the host that leads out, or that guests may have."""

    dev: str = attr(
        required=(XMLError, f"Missing required dev attribute in <forward> <interface> element of network {NAME}"),
        empty_is_unset=True,
    )


class PhysicalFunction(Connections):
    """`<pf>`: an SR-IOV device whose virtual functions guests get."""

    dev: str = attr(
        required=(XMLError, f"Missing required dev attribute in <pf> element of network '{NAME}'"),
        empty_is_unset=True,
    )


class ForwardAddress(HostPCIAddress, Connections):
    """`<address>`: a virtual function that a guest may have."""

    type: Literal["pci"] = attr(
        required=(XMLError, f"missing address type in network {NAME}"),
        error=(ConfigUnsupportedError, f"unknown address type '%s' in network {NAME}"),
    )


def _first_interface(_value: object, values: Values, _around: Values, _options: FormatOptions) -> str | None:
    interfaces: list[ForwardInterface] = values["interfaces"]
    return interfaces[0].dev if interfaces and not values["pfs"] else None


class Forward(Model):
    """`<forward>`; its devices are `interfaces`, `addresses` or one of `pfs`, never several of these.

    `dev` is a shorter way to name the first interface.
    """

    dev: str | None = attr(empty_is_unset=True, shown=_first_interface)
    mode: ForwardMode = attr(
        default="nat", empty_is_unset=True, error=(ConfigUnsupportedError, "unknown forwarding type '%s'")
    )
    managed: Annotated[bool, Scalar(lambda text: text == "yes", lambda value: "yes" if value else "no")] = attr(
        default=False, when=on("mode", "hostdev")
    )
    nat: Nat | None = _only_one("nat", "<forward>")
    driver: Literal["kvm", "vfio"] | None = attr(
        "name",
        at="driver",
        error=(ConfigUnsupportedError, f"Unknown forward <driver name='%s'/> in network {NAME}"),
    )
    pfs: list[PhysicalFunction] = children("pf")
    interfaces: list[ForwardInterface] = children("interface")
    addresses: list[ForwardAddress] = children("address")

    def check(self, options: ParseOptions) -> None:
        if self.nat is not None and self.mode != "nat":
            raise XMLError(f"The <nat> element can only be used when <forward> 'mode' is 'nat' in network {NAME}")
        if self.dev is not None and (self.pfs or self.addresses):
            # libvirt's sentence has a hole where the network's name should be.
            raise XMLError(
                "the <forward> 'dev' attribute cannot be used when <address> or <pf> sub-elements are present"
                " in network %s"
            )
        if self.interfaces or self.dev is not None:
            self._settle_interfaces()
        elif self.addresses:
            self._settle_addresses()
        elif len(self.pfs) > 1:
            raise XMLError(f"Only one <pf> element is allowed in <forward> of network {NAME}")

    def _settle_interfaces(self) -> None:
        self.pfs, self.addresses = [], []
        if self.dev is not None and not self.interfaces:
            self.interfaces = [ForwardInterface(dev=self.dev)]
        names = [interface.dev for interface in self.interfaces]
        if self.dev is not None and names[0] != self.dev:
            raise XMLError(
                f"<forward dev='{self.dev}'> must match first <interface dev='{names[0]}'/> in network {NAME}"
            )
        for index, name in enumerate(names):
            if name in names[:index]:
                raise XMLError(f"interface '{name}' can only be listed once in network {NAME}")

    def _settle_addresses(self) -> None:
        self.pfs = []
        places = [str(address) for address in self.addresses]
        for index, place in enumerate(places):
            if place in places[:index]:
                raise XMLError(f"PCI device '{place}' can only be listed once in network {NAME}")
