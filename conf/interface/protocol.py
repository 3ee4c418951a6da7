# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<protocol>`: how an interface of the host gets its addresses."""

from __future__ import annotations

from typing import Literal

from conf.binding import Int, Model, ParseOptions, YesNo, attr, child, children, flag


class Dhcp(Model):
    """`<dhcp>`: by asking; `peerdns`: the answer also says who knows names."""

    peerdns: YesNo | None = attr()


class InterfaceIP(Model):
    """`<ip>`: an address of its own."""

    address: str | None = attr()
    prefix: Int | None = attr(omit=0)


class _Addresses(Model):
    """What the protocols have in common."""

    dhcp: Dhcp | None = child(keep_empty=True)
    ips: list[InterfaceIP] = children("ip")
    gateway: str | None = attr(at="route", empty_is_unset=True)

    @property
    def has_end_tag(self) -> bool:
        return True

    def check(self, options: ParseOptions) -> None:
        self.ips = [ip for ip in self.ips if ip.address is not None]


class IPv4Protocol(_Addresses):
    """`<protocol family='ipv4'>`."""

    family: Literal["ipv4"] = attr(default="ipv4")


class IPv6Protocol(_Addresses):
    """`<protocol family='ipv6'>`; `autoconf`: by what the router tells."""

    family: Literal["ipv6"] = attr(default="ipv6")
    autoconf: bool = flag()
