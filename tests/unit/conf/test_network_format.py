# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of networks: canonical text, defaults, complaints."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from conf.network import format_network, parse_network, validate_network

UUID = "7bfb9a36-8f2d-4a0c-a9b8-8d3a2f6b1c0e"
BRIDGE = "<bridge name='b' stp='on' delay='0'/>"
MAC = "<mac address='52:54:00:0a:0b:0c'/>"
IP = "<ip address='10.1.2.1' prefix='24'></ip>"


def network(body: str, head: str = "") -> str:
    return f"<network{head}><name>n</name><uuid>{UUID}</uuid>{body}</network>"


def shown(text: str) -> str:
    parsed = parse_network(text)
    validate_network(parsed)
    return "".join(line.strip() for line in format_network(parsed).splitlines())


def serving(inside: str) -> str:
    return f"{BRIDGE}{MAC}<ip address='10.1.2.1' prefix='24'>{inside}</ip>"


CANONICAL = [
    f"{BRIDGE}{MAC}",
    f"<bridge name='b' zone='z' stp='off' delay='3' macTableManager='libvirt'/><mtu size='9000'/>{MAC}",
    (
        f"{BRIDGE}{MAC}<domain name='d' localOnly='no'/><dns enable='yes' forwardPlainNames='no'>"
        "<forwarder domain='d' addr='10.0.0.1'/><txt name='a' value=''/>"
        "<srv service='s' protocol='tcp' domain='d' target='t' port='5' priority='1' weight='2'/>"
        "<host ip='10.1.1.1'><hostname>a</hostname><hostname>b</hostname></host></dns>"
    ),
    (
        "<forward mode='nat'><nat ipv6='yes'><address start='10.2.0.1' end='10.2.0.9'/><port start='0' end='5'/></nat>"
        f"</forward>{BRIDGE}{MAC}{IP}"
    ),
    f"<forward dev='e' mode='route'><interface dev='e'/></forward>{BRIDGE}{MAC}{IP}",
    "<forward mode='hostdev' managed='yes'><driver name='vfio'/><pf dev='e'/></forward><vlan><tag id='4'/></vlan>",
    (
        "<forward mode='hostdev' managed='no'>"
        "<address type='pci' domain='0x0000' bus='0x03' slot='0x04' function='0x1'/></forward>"
    ),
    "<forward mode='passthrough'><pf dev='e'/></forward>",
    (
        "<forward mode='bridge'/><bridge name='b'/><port isolated='yes'/><virtualport type='openvswitch'/>"
        "<portgroup name='p' default='yes' trustGuestRxFilters='no'><vlan><tag id='7'/></vlan>"
        "<virtualport type='openvswitch'/><bandwidth><inbound average='4'/></bandwidth></portgroup>"
    ),
    serving(
        "<tftp root='/r'/><dhcp><range start='10.1.2.5' end='10.1.2.6'><lease expiry='5' unit='hours'/></range>"
        "<host mac='2:A:00:00:00:01' name='5x' ip='10.1.2.9'><lease expiry='0'/></host>"
        "<bootp file='f' server='10.1.2.9'/></dhcp>"
    ),
    f"{BRIDGE}{MAC}{IP}<route address='10.0.0.0' prefix='8' gateway='10.1.2.4' metric='3'/>",
    f"{BRIDGE}{MAC}<ip family='ipv6' address='fd00::1' prefix='64' localPtr='yes'></ip>",
]


@pytest.mark.parametrize("body", CANONICAL)
def test_canonical_text_comes_back(body: str) -> None:
    assert shown(network(body)) == network(body)


def test_head_and_namespace_come_back() -> None:
    text = network(
        f"{BRIDGE}<dnsmasq:options><dnsmasq:option value='a=b'/></dnsmasq:options>",
        " ipv6='yes' trustGuestRxFilters='no' xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'",
    )
    assert shown(text) == text


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ("<bridge name='b' stp='x'/><domain/><mtu size='0'/><port/>", BRIDGE),
        ("<forward mode='vepa' dev='e'/>", "<forward dev='e' mode='vepa'><interface dev='e'/></forward>"),
        (f"<forward/><bridge name='b'/>{IP}", f"<forward mode='nat'/>{BRIDGE}{IP}"),
        (
            f"<bridge name='b'/>{MAC}<ip address='10.1.2.1' prefix='24'><tftp/><dhcp><bootp file='f'/></dhcp></ip>",
            f"{BRIDGE}{MAC}{IP}",
        ),
        (
            f"<bridge name='b'/><ip address='FD00:0::1' family='ipv6' prefix='64'/>{MAC}",
            f"{BRIDGE}{MAC}<ip family='ipv6' address='fd00::1' prefix='64'></ip>",
        ),
        ("<forward mode='hostdev' managed='maybe'/>", "<forward mode='hostdev' managed='no'/>"),
    ],
)
def test_what_is_completed_or_dropped(given: str, settled: str) -> None:
    assert shown(network(given)) == network(settled)


def test_connections_are_a_running_networks() -> None:
    text = network("<forward dev='e' mode='vepa'><interface dev='e' connections='2'/></forward>", " connections='2'")
    assert "connections" not in format_network(parse_network(text))
    assert format_network(parse_network(text, inactive=False), inactive=False).count("connections='2'") == 2


COMPLAINTS = [
    (network("", " ipv6='x'"), 27, "Invalid ipv6 setting 'x' in network 'n'"),
    ("<network><name>a/b</name></network>", 35, "invalid char in name: /"),
    (network("<bridge delay='x'/>"), 27, "Invalid delay value in network 'n'"),
    (network("<mac address='01:00:00:00:00:01'/>"), 27, "Invalid multicast bridge mac address '01:00:00:00:00:01'"),
    (network("<forward mode='nat'/>"), 27, "nat forwarding requested, but no IP address provided for network 'n'"),
    (network("<forward mode='far'/>"), 67, "unknown forwarding type 'far'"),
    (network("<forward mode='bridge'><nat/></forward>"), 27, "The <nat> element can only be used when"),
    (network(f"<forward mode='nat'><nat><address start='10.1.1.1'/></nat></forward>{IP}"), 27, "missing 'end' attr"),
    (
        network(f"<forward mode='nat'><nat><address start='10.1.1.2' end='10.1.1.1'/></nat></forward>{IP}"),
        1,
        "range 10.1.1.2 - 10.1.1.1 is reversed",
    ),
    (
        network(f"<forward mode='nat'><nat><port start='9' end='5'/></nat></forward>{IP}"),
        35,
        "Missing or invalid 'end'",
    ),
    (network(f"<forward mode='open' dev='e'/>{IP}"), 27, "forward dev not allowed for network 'n'"),
    (
        network("<forward mode='vepa' dev='a'><interface dev='b'/></forward>"),
        27,
        "must match first <interface dev='b'/>",
    ),
    (network("<forward mode='hostdev'><interface dev='b'/></forward>"), 67, "hostdev network 'n' lists 'b'"),
    (network("<forward mode='hostdev'><pf dev='a'/><pf dev='b'/></forward>"), 27, "Only one <pf> element is allowed"),
    (network("<forward mode='vepa'/><bridge name='b'/>"), 27, "bridge name not allowed in vepa mode (network 'n')"),
    (network("<forward mode='bridge'/><bridge name='b' delay='2'/>"), 27, "bridge delay/stp/zone options only allowed"),
    (network("<forward mode='bridge'/><mtu size='4'/>"), 27, "mtu size only allowed in open, route, nat"),
    (network(f"<forward mode='bridge'/>{IP}"), 67, "Unsupported <ip> element in network n with forward mode='bridge'"),
    (network("<vlan><tag id='4'/></vlan>"), 67, "whose type doesn't support vlan configuration"),
    (network("<forward mode='bridge'/><virtualport/>"), 27, "missing required virtualport type"),
    (network("<bandwidth><inbound floor='4'/></bandwidth>"), 67, "floor attribute is not supported for this config"),
    (network("<bandwidth classID='4'><inbound average='4'/></bandwidth>"), 35, "classID attribute not supported"),
    (network("<portgroup name='a'/><portgroup name='a'/>"), 67, "multiple <portgroup> elements with the same name (a)"),
    (network("<dns><forwarder/></dns>"), 27, "must contain at least one of addr or domain"),
    (network("<dns><txt name='a b' value='x'/></dns>"), 35, "prohibited character in DNS TXT record name 'a b'"),
    (network("<dns><host ip='10.1.1.1'/></dns>"), 35, "Missing hostname in network 'n' DNS HOST record"),
    (network("<dns><srv service='s'/></dns>"), 35, "missing required protocol attribute in DNS SRV record 's'"),
    (network("<dns><srv service='s' protocol='p' port='5'/></dns>"), 35, "not permitted without target"),
    (network("<dns><srv service='s' protocol='p' target='t' weight='99999'/></dns>"), 35, "invalid DNS SRV weight"),
    (network("<dns enable='no'><forwarder domain='d'/></dns>"), 27, "Extra data in disabled network 'n'"),
    (network("<ip address='::1'/>"), 67, "no family specified for non-IPv4 address '::1' in network 'n'"),
    (network("<ip address='10.1.1.1' family='ipv6'/>"), 67, "Family 'ipv6' specified for non-IPv6 address"),
    (network("<ip address='10.1.1.1' prefix='33'/>"), 67, "Invalid IPv4 prefix '33' in network 'n'"),
    (network("<ip address='fd00::1' family='ipv6'><tftp root='/'/></ip>"), 67, "Unsupported <tftp> element"),
    (network(serving("<dhcp><range start='10.1.2.5'/></dhcp>")), 27, "Missing 'end' attribute in dhcp range"),
    (network(serving("<dhcp><range start='x' end='10.1.2.5'/></dhcp>")), 38, "Cannot parse socket address 'x'"),
    (
        network(serving("<dhcp><range start='10.1.2.5' end='10.1.2.255'/></dhcp>")),
        1,
        "end of range 10.1.2.5 - 10.1.2.255 in network 10.1.2.1/24 is the broadcast address",
    ),
    (
        network("<ip address='192.168.1.1'><dhcp><range start='192.168.2.5' end='192.168.2.6'/></dhcp></ip>"),
        1,
        "is not entirely within network 192.168.1.1/24",
    ),
    (
        network(serving("<dhcp><range start='10.1.2.5' end='10.1.2.6'><lease expiry='1'/></range></dhcp>")),
        67,
        "The minimum lease time should be greater than 2 minutes",
    ),
    (network(serving("<dhcp><host ip='10.1.2.5'/></dhcp>")), 27, "must have mac or name attribute"),
    (network(serving("<dhcp><host mac='2:0:0:0:0:1'/></dhcp>")), 27, "Missing IP address in static host definition"),
    (network(serving("<dhcp><host name='-' ip='10.1.2.5'/></dhcp>")), 27, "Cannot use host name '-' in network 'n'"),
    (network("<route address='10.0.0.0' prefix='8' gateway='10.1.2.3'/>"), 67, "unreachable static route gateway"),
    (network("<route/>"), 27, "n: Missing required address attribute in route definition"),
    ("<network><name/></network>", 21, ""),
]


@pytest.mark.parametrize(("text", "code", "message"), COMPLAINTS)
def test_complaints(text: str, code: int, message: str) -> None:
    with pytest.raises(ConfError) as caught:
        shown(text)
    assert message in str(caught.value)
    assert caught.value.code == code
