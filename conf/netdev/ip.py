# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<ip>` and `<route>`: addresses of an interface."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import ClassVar

from conf.binding import Model, ParseOptions, Positive, Uint, attr
from conf.errors import InvalidArgError, XMLError

_BITS = {4: 32, 6: 128}
#: IPv4 in the C library's spellings: one to four numbers, the last of which fills the rest; decimal, octal or hexadecimal.
_IPV4 = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)(\.(0[xX][0-9a-fA-F]+|[0-9]+)){0,3}")


def ip_version(text: str) -> int | None:
    """4 or 6; None if it is no address.  An IPv6 address may name its interface."""
    if ":" not in text:
        return None if canonical_address(text) is None else 4
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None


def canonical_address(text: str) -> str | None:
    """An address in the usual spelling; None if it is no address."""
    try:
        if _IPV4.fullmatch(text):
            return socket.inet_ntoa(socket.inet_aton(text))
        return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, text))
    except (OSError, ValueError):
        return None


class IPAddress(Model):
    """`<ip>` of an interface: an address it is given, or shall have in the guest."""

    address: str = attr(required=(XMLError, "Missing required address in <ip>"))
    #: Another word than ipv4 and ipv6 says nothing.
    family: str | None = attr()
    prefix: Uint | None = attr(omit=0, error=(XMLError, "Invalid prefix value '%s' in <ip>"))
    peer: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        version = ip_version(self.address)
        if version is None or self.family == f"ipv{10 - version}":
            raise XMLError(f"Invalid address '{self.address}' in <ip>")
        self.family = "ipv4" if version == 4 else "ipv6"
        self.address = canonical_address(self.address) or self.address
        if self.prefix is not None and self.prefix > _BITS[version]:
            raise XMLError(f"Invalid prefix value '{self.prefix}' in <ip>")
        if self.peer is not None and ip_version(self.peer) != version:
            raise InvalidArgError(f"Invalid peer '{self.peer}' in <ip>")
        self.peer = self.peer and (canonical_address(self.peer) or self.peer)


class Route(Model):
    """`<route>`: a static route."""

    #: What complaints begin with: whose route it is.
    owner: ClassVar[str] = "guest interface"

    family: str | None = attr()
    address: str | None = attr()
    netmask: str | None = attr()
    prefix: Uint | None = attr()
    gateway: str | None = attr()
    metric: Positive | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.address is None:
            raise self._wrong("Missing required address attribute in route definition")
        if self.gateway is None:
            raise self._wrong("Missing required gateway attribute in route definition")
        version = self._version(self.address, "network address")
        gateway_version = self._version(self.gateway, "gateway address")
        self.address = canonical_address(self.address) or self.address
        self.gateway = canonical_address(self.gateway) or self.gateway
        self._check_family(version, gateway_version)
        self._check_mask(version)
        self._check_network(self.address, version)

    def _check_family(self, version: int, gateway_version: int) -> None:
        """An address of version 6 needs its family said."""
        if self.family not in (None, "ipv4", "ipv6"):
            raise self._wrong(f"Unrecognized family '{self.family}' in route definition")
        if self.family == "ipv6":
            if version != 6:
                raise self._wrong(f"ipv6 family specified for non-IPv6 address '{self.address}' in route definition")
            if gateway_version != 6:
                raise self._wrong(f"ipv6 specified for non-IPv6 gateway address '{self.gateway}' in route definition")
            return
        specified = "IPv4 family specified" if self.family else "No family specified"
        if version != 4:
            raise self._wrong(f"{specified} for non-IPv4 address '{self.address}' in route definition")
        if gateway_version != 4:
            raise self._wrong(f"{specified} for non-IPv4 gateway '{self.address}' in route definition")

    def _check_mask(self, version: int) -> None:
        if self.netmask is not None:
            if version == 6:
                raise self._wrong(f"Specifying netmask invalid for IPv6 address '{self.address}' in route definition")
            if self.prefix is not None:
                raise self._wrong("Route definition cannot have both a prefix and a netmask")
            self._version(self.netmask, "netmask address")
            self.netmask = canonical_address(self.netmask)
        if self.prefix is not None and self.prefix > _BITS[version]:
            text = f"Invalid prefix {self.prefix} specified in route definition, must be 0 - {_BITS[version]}"
            raise self._wrong(text)

    def _version(self, text: str, what: str) -> int:
        version = ip_version(text)
        if version is None:
            raise self._wrong(f"Bad {what} '{text}' in route definition")
        return version

    def _check_network(self, address: str, version: int) -> None:
        mask = self.netmask if self.netmask is not None else self.prefix
        if mask is None:
            # Without a mask only the default route is a network.
            mask = 0 if int(ipaddress.ip_address(address)) == 0 else _BITS[version] + 1
        try:
            ipaddress.ip_network(f"{address}/{mask}")
        except ValueError:
            raise self._wrong(f"Address '{address}' in route definition is not a network address") from None

    def _wrong(self, text: str) -> XMLError:
        return XMLError(f"{self.owner}: {text}")
