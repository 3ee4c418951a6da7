# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<ip>` and `<route>`: addresses of an interface."""

from __future__ import annotations

import ipaddress
import socket
from typing import ClassVar, Literal

from conf.binding import Model, ParseOptions, Positive, Uint, attr
from conf.errors import InvalidArgError, XMLError

_BITS = {4: 32, 6: 128}


def ip_version(text: str) -> int | None:
    """4 or 6; None if it is no address."""
    try:
        return ipaddress.ip_address(text).version
    except ValueError:
        return None


def canonical_address(text: str) -> str | None:
    """An address in the usual spelling; None if it is no address."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_ntop(family, socket.inet_pton(family, text))
        except (OSError, ValueError):
            continue
    return None


class IPAddress(Model):
    """`<ip>` of an interface: an address it is given, or shall have in the guest."""

    address: str = attr(required=(XMLError, "Missing required address in <ip>"))
    family: Literal["ipv4", "ipv6"] | None = attr(error=(XMLError, "Invalid family '%s' in <ip>"))
    prefix: Uint | None = attr(omit=0, error=(XMLError, "Invalid prefix value '%s' in <ip>"))
    peer: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        version = ip_version(self.address)
        if version is None or self.family not in (None, f"ipv{version}"):
            raise XMLError(f"Invalid address '{self.address}' in <ip>")
        self.family = "ipv4" if version == 4 else "ipv6"
        if self.prefix is not None and self.prefix > _BITS[version]:
            raise XMLError(f"Invalid prefix value '{self.prefix}' in <ip>")
        if self.peer is not None and ip_version(self.peer) != version:
            raise InvalidArgError(f"Invalid peer '{self.peer}' in <ip>")


class Route(Model):
    """`<route>`: a static route."""

    #: What complaints begin with: whose route it is.
    owner: ClassVar[str] = "guest interface"

    family: Literal["ipv4", "ipv6"] | None = attr()
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
        if self._version(self.gateway, "gateway address") != version:
            raise self._wrong(
                f"The families of address '{self.address}' and gateway '{self.gateway}' differ in route definition"
            )
        if version == 6 and self.family is None:
            raise self._wrong(f"No family specified for non-IPv4 address '{self.address}' in route definition")
        if self.family not in (None, f"ipv{version}"):
            raise self._wrong(f"Address family '{self.family}' does not fit '{self.address}' in route definition")
        self._check_network(self.address, version)

    def _version(self, text: str, what: str) -> int:
        version = ip_version(text)
        if version is None:
            raise self._wrong(f"Bad {what} '{text}' in route definition")
        return version

    def _check_network(self, address: str, version: int) -> None:
        if self.netmask is not None and self.prefix is not None:
            raise self._wrong("Multiple netmask and prefix attributes are not allowed in route definition")
        if self.prefix is not None and self.prefix > _BITS[version]:
            raise self._wrong(f"Invalid prefix '{self.prefix}' specified in route definition")
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
