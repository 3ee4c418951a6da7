# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<dhcp>`: the addresses that a network gives its guests."""

from __future__ import annotations

import re
from typing import Literal

from conf.binding import Model, ParseOptions, Ulong, attr, child, children
from conf.binding.scalars import BadValueError
from conf.errors import ConfigUnsupportedError, SystemCallError, XMLError
from conf.naming import NAME
from conf.netdev.ip import canonical_address, ip_version
from conf.netdev.mac import is_multicast, parse_mac

#: The shortest lease, in seconds: dnsmasq knows no shorter one.
SHORTEST_LEASE = 120
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}


def resolved(text: str) -> str:
    """An address in the usual spelling.

    Raises:
        SystemCallError: it is none.
    """
    address = canonical_address(text)
    if address is None:
        raise SystemCallError(f"Cannot parse socket address '{text}': Name or service not known")
    return address


class Lease(Model):
    """`<lease>`: how long an address is given; 0 is for ever."""

    expiry: Ulong | None = attr()
    unit: Literal["seconds", "minutes", "hours"] | None = attr()

    def check(self, options: ParseOptions) -> None:
        if not self.expiry:
            self.unit = None
            return
        self.unit = self.unit or "minutes"
        if self.expiry * _SECONDS[self.unit] < SHORTEST_LEASE:
            raise ConfigUnsupportedError("The minimum lease time should be greater than 2 minutes")


class DhcpRange(Model):
    """`<range>`."""

    start: str = attr(required=(XMLError, f"Missing 'start' attribute in dhcp range for network '{NAME}'"))
    end: str = attr(required=(XMLError, f"Missing 'end' attribute in dhcp range for network '{NAME}'"))
    lease: Lease | None = child()

    def check(self, options: ParseOptions) -> None:
        self.start, self.end = resolved(self.start), resolved(self.end)


class DhcpHost(Model):
    """`<host>`: a guest, known by its MAC address, client id or name, and its address."""

    mac: str | None = attr()
    id: str | None = attr()
    name: str | None = attr(empty_is_unset=True)
    ip: str | None = attr()
    lease: Lease | None = child()

    def settle(self, version: int, *, partial: bool = False) -> None:
        """Complete and refuse by the rules for IPv4 or IPv6; of a `partial` host one property is enough.

        Raises:
            XMLError: the host cannot be told from others, or has no address.
        """
        if self.mac is not None:
            self._check_mac(self.mac, version)
        if self.id is not None:
            self._check_id(self.id)
        if self.name is not None and not self.name[0].isalnum():
            raise XMLError(f"Cannot use host name '{self.name}' in network '{NAME}'")
        self._check_complete(version, partial=partial)
        if not self.ip:
            return
        if ip_version(self.ip) != version:
            raise XMLError(f"Invalid IP address in static host definition for network '{NAME}'")
        self.ip = resolved(self.ip)

    def _check_complete(self, version: int, *, partial: bool) -> None:
        if partial:
            if not (self.mac or self.name or self.ip):
                raise XMLError(
                    f"At least one of name, mac, or ip attribute must be specified"
                    f" for static host definition in network '{NAME}' "
                )
            return
        keys, which = ((self.id, self.name), "id") if version == 6 else ((self.mac, self.name), "mac")
        if not any(keys):
            raise XMLError(
                f"Static host definition in IPv{version} network '{NAME}' must have {which} or name attribute"
            )
        if not self.ip:
            raise XMLError(f"Missing IP address in static host definition for network '{NAME}'")

    @staticmethod
    def _check_mac(mac: str, version: int) -> None:
        if version == 6:
            raise XMLError(f"Invalid to specify MAC address '{mac}' in network '{NAME}' IPv6 static host definition")
        try:
            address = parse_mac(mac)
        except BadValueError:
            raise XMLError(f"Cannot parse MAC address '{mac}' in network '{NAME}'") from None
        if is_multicast(address):
            raise XMLError(f"expected unicast mac address, found multicast '{mac}' in network '{NAME}'")

    @staticmethod
    def _check_id(client_id: str) -> None:
        wrong = re.search("[^0-9a-fA-F:]", client_id)
        if wrong is not None:
            raise XMLError(f"Invalid character '{wrong[0]}' in id '{client_id}' of network '{NAME}'")


class Bootp(Model):
    """`<bootp>`: what guests boot from the network."""

    file: str | None = attr(empty_is_unset=True)
    server: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.server is not None:
            self.server = resolved(self.server)
        if self.file is None:
            self.server = None


class Dhcp(Model):
    """`<dhcp>`; without ranges and hosts nothing is served."""

    ranges: list[DhcpRange] = children("range")
    hosts: list[DhcpHost] = children("host")
    bootp: Bootp | None = child()
