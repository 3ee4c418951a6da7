# SPDX-License-Identifier: LGPL-2.1-or-later
"""IP addresses in the C library's spellings, and the routes made of them."""

from __future__ import annotations

import pytest

from conf.binding import ParseOptions
from conf.errors import XMLError
from conf.netdev.ip import IPAddress, Route, canonical_address, ip_version


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("1.5", "1.0.0.5"),
        ("010.0.0.1", "8.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("167772161", "10.0.0.1"),
        ("FD00::0:1", "fd00::1"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ],
)
def test_spellings(text: str, address: str) -> None:
    assert canonical_address(text) == address
    assert ip_version(text) == (6 if ":" in address else 4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1.2.3.256",
        "1.2.3.4 ",
        "1.2.3.4 x",
        "1.2.3.4.5",
        "1..2",
        "09.1",
        "4294967296",
        "-1",
        "٣.1",
        ":",
        "::g",
        "\0",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert canonical_address(text) is None
    assert ip_version(text) is None


def test_the_family_of_an_address_is_what_it_is() -> None:
    address = IPAddress(address="1.5", family="zz", peer="1.6")
    address.check(ParseOptions())
    assert (address.address, address.family, address.peer) == ("1.0.0.5", "ipv4", "1.0.0.6")
    with pytest.raises(XMLError, match="Invalid address '::1' in <ip>"):
        IPAddress(address="::1", family="ipv4").check(ParseOptions())


def test_a_route_is_written_in_the_usual_spelling() -> None:
    route = Route(address="10.0", netmask="0xff000000", gateway="10.1")
    route.check(ParseOptions())
    assert (route.address, route.netmask, route.gateway) == ("10.0.0.0", "255.0.0.0", "10.0.0.1")


@pytest.mark.parametrize(
    ("family", "address", "gateway", "more", "text"),
    [
        ("ipv4", "::", "::1", {}, "IPv4 family specified for non-IPv4 address '::'"),
        ("ipv4", "0.0.0.0", "::1", {}, "IPv4 family specified for non-IPv4 gateway"),
        ("ipv6", "0.0.0.0", "0.0.0.1", {}, "ipv6 family specified for non-IPv6 address '0.0.0.0'"),
        ("ipv6", "::", "0.0.0.1", {}, "ipv6 specified for non-IPv6 gateway address '0.0.0.1'"),
        (None, "::", "::1", {}, "No family specified for non-IPv4 address '::'"),
        (None, "0.0.0.0", "::1", {}, "No family specified for non-IPv4 gateway"),
        ("zz", "0.0.0.0", "0.0.0.1", {}, "Unrecognized family 'zz'"),
        ("zz", "x", "y", {}, "Bad network address 'x'"),
        (None, "1.0.0.0", "1.0.0.1", {"netmask": "zz"}, "Bad netmask address 'zz'"),
        (None, "1.0.0.1", "1.0.0.2", {"netmask": "255.0.0.0"}, "Address '1.0.0.1' in route definition is not a network"),
        (None, "1.0.0.0", "1.0.0.1", {"netmask": "255.0.0.0", "prefix": 8}, "cannot have both a prefix and a netmask"),
        (None, "1.0.0.0", "1.0.0.1", {"prefix": 33}, "Invalid prefix 33 specified in route definition, must be 0 - 32"),
        ("ipv6", "::", "::1", {"netmask": "255.0.0.0"}, "Specifying netmask invalid for IPv6 address '::'"),
        ("ipv6", "::", "::1", {"prefix": 129}, "must be 0 - 128"),
    ],
)  # fmt: skip
def test_routes_that_are_none(
    family: str | None, address: str, gateway: str, more: dict[str, object], text: str
) -> None:
    with pytest.raises(XMLError, match=f"^guest interface: .*{text}"):
        Route.model_validate({"family": family, "address": address, "gateway": gateway, **more}).check(ParseOptions())
