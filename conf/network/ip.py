# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<ip>` and `<route>` of a network."""

from __future__ import annotations

import ipaddress
from typing import ClassVar, Literal

from conf.binding import Model, ParseOptions, Uint, YesNo, attr, child
from conf.errors import ConfigUnsupportedError, InternalError, XMLError
from conf.naming import NAME
from conf.netdev.ip import Route, canonical_address
from conf.network.dhcp import Dhcp, DhcpRange

_LONGEST_PREFIX = {4: 32, 6: 128}
#: The most addresses in a range, less one.
LARGEST_RANGE = 65535

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class NetworkRoute(Route):
    """`<route>`: a network that the host reaches by a guest."""

    owner: ClassVar[str] = NAME


class NetworkIP(Model):
    """`<ip>`: an address of the host in the network, and what is served there."""

    family: Literal["ipv4", "ipv6"] | None = attr(
        empty_is_unset=True, error=(XMLError, f"Unrecognized family '%s' in network '{NAME}'")
    )
    address: str = attr(required=(XMLError, f"Missing required address attribute in network '{NAME}'"))
    netmask: str | None = attr(empty_is_unset=True)
    prefix: Uint | None = attr(omit=0)
    local_ptr: YesNo | None = attr("localPtr")
    tftp: str | None = attr("root", at="tftp", empty_is_unset=True)
    dhcp: Dhcp | None = child()

    @property
    def has_end_tag(self) -> bool:
        return True

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4

    @property
    def mask_length(self) -> int:
        """How many bits of the address are the network's; -1 where the netmask has holes."""
        if self.netmask is not None:
            mask = f"{int(ipaddress.IPv4Address(self.netmask)):032b}"
            return mask.count("1") if "01" not in mask else -1
        if self.prefix is not None:
            return self.prefix
        return 64 if self.version == 6 else _class_length(self.address)

    @property
    def network(self) -> IPNetwork:
        """The addresses that are reached directly."""
        return ipaddress.ip_network(f"{self.address}/{max(self.mask_length, 0)}", strict=False)

    def check(self, options: ParseOptions) -> None:
        self._check_address()
        self._check_mask()
        if self.version == 6 and self.tftp is not None:
            raise ConfigUnsupportedError(f"Unsupported <tftp> element in an IPv6 element in network '{NAME}'")
        if self.dhcp is None:
            return
        for range_ in self.dhcp.ranges:
            self._check_range(range_)
        for host in self.dhcp.hosts:
            host.settle(self.version)
        if self.version == 6 or not (self.dhcp.ranges or self.dhcp.hosts):
            self.dhcp.bootp = None

    def _check_address(self) -> None:
        given, address = self.address, canonical_address(self.address)
        if address is None:
            raise XMLError(f"Invalid address '{given}' in network '{NAME}'")
        self.address = address
        if self.version == 6 and self.family is None:
            raise ConfigUnsupportedError(f"no family specified for non-IPv4 address '{given}' in network '{NAME}'")
        if self.family not in (None, f"ipv{self.version}"):
            kind = "IPv6" if self.family == "ipv6" else "IPv4"
            raise ConfigUnsupportedError(
                f"Family '{self.family}' specified for non-{kind} address '{given}' in network '{NAME}'"
            )

    def _check_mask(self) -> None:
        if self.netmask is not None:
            if self.version == 6:
                raise ConfigUnsupportedError(
                    f"netmask not allowed for IPv6 address '{self.address}' in network '{NAME}'"
                )
            if self.prefix is not None:
                raise ConfigUnsupportedError(f"Network '{NAME}' IP address cannot have both a prefix and a netmask")
            netmask = canonical_address(self.netmask)
            if netmask is None or ":" in netmask:
                raise XMLError(f"Invalid netmask '{self.netmask}' in network '{NAME}'")
            self.netmask = netmask
        if self.prefix is not None and self.prefix > _LONGEST_PREFIX[self.version]:
            raise ConfigUnsupportedError(f"Invalid IPv{self.version} prefix '{self.prefix}' in network '{NAME}'")

    def _check_range(self, range_: DhcpRange) -> None:
        first, last = ipaddress.ip_address(range_.start), ipaddress.ip_address(range_.end)
        what = f"range {first} - {last}"
        if {first.version, last.version} != {self.version}:
            raise InternalError(f"mismatch of address family in {what} for network {self.address}")
        if self.mask_length < 0:
            raise InternalError(f"bad prefix -1 for network {self.address} when  checking {what}")
        if int(first) > int(last):
            raise InternalError(f"{what} is reversed ")
        where = f"network {self.address}/{self.mask_length}"
        if first not in self.network or last not in self.network:
            raise InternalError(f"{what} is not entirely within {where}")
        if self.version == 4:
            self._check_ends(first, last, f"{what} in {where}")
        if int(last) - int(first) > LARGEST_RANGE:
            raise InternalError(f"{what} is too large (> {LARGEST_RANGE})")

    def _check_ends(self, first: IPAddress, last: IPAddress, where: str) -> None:
        if first == self.network.network_address:
            raise InternalError(f"start of {where} is the network address")
        if last == self.network.broadcast_address:
            raise InternalError(f"end of {where} is the broadcast address")


def _class_length(address: str) -> int:
    """The prefix of an IPv4 address by its class, from the time before netmasks."""
    first = int(address.partition(".")[0])
    return 8 if first < 128 else 16 if first < 192 else 24
