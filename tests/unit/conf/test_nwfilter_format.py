# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of network filters: canonical text, defaults, complaints."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from conf.nwfilter import format_nwfilter, parse_nwfilter

UUID = "5a1f2b3c-0d4e-4f60-8172-93a4b5c6d7e8"


def shown(text: str) -> str:
    return "".join(line.strip() for line in format_nwfilter(parse_nwfilter(text)).splitlines())


def rule(match: str, head: str = "action='drop' direction='in' priority='500'") -> str:
    return f"<filter name='n' chain='root'><uuid>{UUID}</uuid><rule {head}>{match}</rule></filter>"


CANONICAL = [
    "<mac srcmacaddr='02:00:00:00:00:01' srcmacmask='ff:ff:ff:00:00:00' protocolid='arp' comment='&lt;'/>",
    "<vlan vlanid='0x5' encap-protocol='0x1234'/>",
    "<stp type='0x12' root-priority='1' root-priority-hi='2' root-cost='0x11223344' age-hi='5'/>",
    "<arp hwtype='1' opcode='Request' arpsrcipaddr='10.1.1.1' arpsrcipmask='24' gratuitous='true'/>",
    "<ip srcipaddr='$IP' protocol='udp' srcportstart='5' dscp='4'/>",
    "<ipv6 protocol='icmpv6' type='1' typeend='3' code='4' codeend='5'/>",
    "<tcp match='no' srcipaddr='$IP[@3]' dscp='0x3f' connlimit-above='4' state='NEW,RELATED' option='5' flags='SYN/ALL'/>",
    "<udp-ipv6 dstipaddr='a:b:c::d:e:f' dstipmask='128'/>",
    "<icmp type='8'/>",
    "<all ipset='x'/>",
]


@pytest.mark.parametrize("match", CANONICAL)
def test_canonical_text_comes_back(match: str) -> None:
    assert shown(rule(match)) == rule(match)


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ("<tcp srcmacaddr='2:0:0:0:0:A' dscp='010' foo='x'/>", "<tcp srcmacaddr='02:00:00:00:00:0a' dscp='10'/>"),
        ("<tcp dscp='5'/><udp/><tcp dscp='6'/>", "<tcp dscp='6'/>"),
        ("<tcp match='no'/>", "<tcp/>"),
        ("<tcp dstipmask='255.255.0.0' srcipmask='0'/>", "<tcp srcipmask='0' dstipmask='16'/>"),
        ("<all-ipv6 srcipmask='ffff::'/>", "<all-ipv6 srcipmask='16'/>"),
        ("<mac protocolid='2048'/>", "<mac protocolid='ipv4'/>"),
        ("<arp opcode='9' gratuitous='x'/>", "<arp opcode='ARP_NAK' gratuitous='false'/>"),
        ("<tcp state='new, established' flags='psh/'/>", "<tcp state='NEW,ESTABLISHED' flags='PSH/NONE'/>"),
        ("<tcp ipset='x'/>", "<tcp ipset='x' ipsetflags='src'/>"),
        ("<tcp ipset='x' ipsetflags='dst'/>", "<tcp/>"),
    ],
)
def test_what_is_settled(given: str, settled: str) -> None:
    assert shown(rule(given)) == rule(settled)


def test_rules_and_references_keep_their_order() -> None:
    text = (
        f"<filter name='n' chain='arp-x' priority='-500'><uuid>{UUID}</uuid>"
        "<rule action='accept' direction='out' priority='1' statematch='false'/>"
        "<filterref filter='f'><parameter name='A' value='1'/></filterref>"
        "<rule action='return' direction='inout' priority='500'/></filter>"
    )
    assert shown(text.replace(" priority='-500'", "").replace(" priority='500'", " priority='2000'")) == text


COMPLAINTS = [
    ("<filter/>", 1, "filter has no name"),
    ("<filter name='n' chain='x'/>", 8, "Invalid chain name 'x'"),
    ("<filter name='n' chain='mac a'/>", 8, "Chain name contains invalid characters"),
    ("<filter name='n' chain='ipv4-0123456789'/>", 8, "Name of chain is longer than 12 characters"),
    ("<filter name='n' priority='x'/>", 8, "Could not parse chain priority 'x'"),
    ("<filter name='n' priority='1001'/>", 8, "Priority '1001' is outside valid range of [-1000,1000]"),
    ("<filter name='n'><uuid>x</uuid></filter>", 27, "malformed uuid element"),
    ("<filter name='n'><rule direction='in'/></filter>", 1, "rule node requires action attribute"),
    ("<filter name='n'><rule action='drop' direction='up'/></filter>", 67, "unknown rule direction attribute value"),
    (rule("<tcp srcipaddr='$IP['/>"), 1, "srcipaddr has illegal value $IP["),
    (rule("<tcp srcipaddr='::1'/>"), 1, "srcipaddr has illegal value ::1"),
    (rule("<tcp dstipmask='255.0.255.0'/>"), 1, "dstipmask has illegal value 255.0.255.0"),
    (rule("<all dscp='64'/>"), 1, "dscp has illegal value 64"),
    (rule("<tcp flags='SYN'/>"), 1, "flags has illegal value SYN"),
    (rule("<tcp state='x'/>"), 1, "state has illegal value x"),
    (rule("<mac protocolid='15'/>"), 1, "protocolid has illegal value 15"),
    (rule("<ip srcportstart='5'/>"), 1, "IP rule with port specification requires protocol specification"),
]


@pytest.mark.parametrize(("text", "code", "message"), COMPLAINTS)
def test_complaints(text: str, code: int, message: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_nwfilter(text)
    assert message in str(caught.value)
    assert caught.value.code == code
