# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of the host's interfaces: canonical text, what is passed over, complaints."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from conf.interface import format_interface, parse_interface


def shown(xml: str) -> str:
    return "".join(line.strip() for line in format_interface(parse_interface(xml)).splitlines())


def ethernet(body: str, name: str = "en0") -> str:
    return f"<interface type='ethernet' name='{name}'>{body}</interface>"


def bond(body: str, attributes: str = "") -> str:
    return f"<interface type='bond' name='team'><bond{attributes}>{body}</bond></interface>"


CANONICAL = [
    ethernet(""),
    ethernet(
        "<start mode='hotplug'/><mtu size='9000'/>"
        "<protocol family='ipv4'><dhcp peerdns='no'/><ip address='10.9.8.7' prefix='8'/><ip address='10.9.8.8'/>"
        "<route gateway='10.0.0.1'/></protocol>"
        "<protocol family='ipv6'><autoconf/><dhcp/><ip address='fd00::7' prefix='64'/></protocol>"
        "<link speed='2500' state='lowerlayerdown'/><mac address='52:54:00:00:00:07'/>"
    ),
    bond(ethernet("<link state='up'/>") + ethernet("", "en1"), " mode='802.3ad'"),
    bond("<miimon freq='100' downdelay='5' updelay='6' carrier='netif'/>" + ethernet("")),
    bond("<arpmon interval='50' target='10.0.0.1' validate='backup'/>" + ethernet("")),
    (
        "<interface type='vlan' name='en0.7'><start mode='none'/><protocol family='ipv6'></protocol>"
        "<link speed='10'/><vlan tag='7'><interface name='en0'/></vlan></interface>"
    ),
    (
        "<interface type='bridge' name='br7'><mtu size='1400'/><bridge stp='on' delay='2.5'>"
        + ethernet("<mac address='52:54:00:00:00:07'/>")
        + bond("", " mode='balance-xor'")
        + "<interface type='vlan' name='v'><vlan tag='7'><interface name='en0'/></vlan></interface></bridge></interface>"
    ),
    "<interface type='bridge' name='b'><bridge></bridge></interface>",
]


@pytest.mark.parametrize("xml", CANONICAL)
def test_canonical_text_stays(xml: str) -> None:
    assert shown(xml) == xml


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        (ethernet("<mtu size='0'/><start mode=''/><link/>"), ethernet("")),
        (
            ethernet("<protocol family='ipv4'><ip prefix='3'/><ip address='a' prefix='0'/><route/></protocol>"),
            ethernet("<protocol family='ipv4'><ip address='a'/></protocol>"),
        ),
        (
            bond("<arpmon interval='1' target='t'/><miimon freq='5' updelay='0'/>"),
            bond("<miimon freq='5'/>"),
        ),
        (
            "<interface type='bridge' name='b'><bridge stp='perhaps'>"
            + ethernet("<start mode='none'/><mtu size='7'/><protocol family='ipv4'/>")
            + "</bridge></interface>",
            "<interface type='bridge' name='b'><bridge>" + ethernet("") + "</bridge></interface>",
        ),
    ],
)
def test_what_is_passed_over(xml: str, expected: str) -> None:
    assert shown(xml) == expected


@pytest.mark.parametrize(
    ("xml", "code", "message"),
    [
        ("<interface/>", 27, "Missing required attribute 'type' in element 'interface'"),
        ("<interface type='radio'/>", 27, "Invalid value for attribute 'type' in element 'interface': 'radio'."),
        ("<interface type='ethernet'/>", 27, "interface has no name"),
        (ethernet("<start mode='late'/>"), 27, "unknown interface startmode late"),
        (
            ethernet("<mtu size='100001'/>"),
            27,
            "value of the 'size' attribute of 'mtu' element must be at most 100000",
        ),
        (ethernet("<protocol/>"), 27, "protocol misses the family attribute"),
        (ethernet("<protocol family='ipx'/>"), 27, "unsupported protocol family 'ipx'"),
        ("<interface type='bridge' name='b'/>", 27, "bridge interface misses the bridge element"),
        ("<interface type='bond' name='b'/>", 27, "bond interface misses the bond element"),
        ("<interface type='vlan' name='v'><vlan tag='1'/></interface>", 27, "vlan interface misses name attribute"),
        (bond("", " mode='both'"), 27, "unknown bonding mode both"),
        (bond("<miimon freq='often'/>"), 27, "bond interface miimon freq missing or invalid"),
        (bond("<arpmon interval='4'/>"), 27, "bond interface arpmon target missing"),
        (bond("<interface type='vlan' name='v'/>"), 27, "interface has unsupported type 'vlan'"),
    ],
)
def test_complaints(xml: str, code: int, message: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_interface(xml)
    assert (caught.value.code, str(caught.value)) == (code, message)
