# SPDX-License-Identifier: LGPL-2.1-or-later
"""virNetworkUpdate: entries come, go and are exchanged, and what libvirt says where they cannot."""

from __future__ import annotations

import pytest

from conf.errors import ConfError, XMLDetailError, XMLError
from conf.network import Network, format_network, parse_network
from drivers.common.networkupdate import update
from virtd.enums import NetworkUpdateCommand as Command
from virtd.enums import NetworkUpdateSection as Section
from virtd.errors import Code, VirtError

XML = """<network><name>n</name><forward mode='nat'/><dns><txt name='a' value='1'/></dns>
<ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.2' end='10.0.0.99'/>
<host mac='52:54:00:00:00:01' name='one' ip='10.0.0.5'/></dhcp></ip>
<ip family='ipv6' address='fd00::1' prefix='64'/><portgroup name='p' default='yes'/></network>"""


@pytest.fixture
def network() -> Network:
    return parse_network(XML)


CASES = [
    (Command.ADD_LAST, Section.IP_DHCP_HOST, "<host mac='52:54:00:00:00:02' ip='10.0.0.6'/>", "10.0.0.6"),
    (Command.MODIFY, Section.IP_DHCP_HOST, "<host mac='52:54:00:00:00:01' ip='10.0.0.7'/>", "10.0.0.7"),
    (Command.ADD_LAST, Section.IP_DHCP_RANGE, "<range start='10.0.0.100' end='10.0.0.101'/>", "10.0.0.101"),
    (Command.ADD_LAST, Section.FORWARD_INTERFACE, "<interface dev='eth5'/>", "dev='eth5'"),
    (Command.ADD_LAST, Section.PORTGROUP, "<portgroup name='q'/>", "name='q'"),
    (Command.ADD_LAST, Section.DNS_HOST, "<host ip='10.0.0.8'><hostname>h</hostname></host>", "<hostname>h"),
    (Command.ADD_LAST, Section.DNS_TXT, "<txt name='b' value='2'/>", "value='2'"),
    (Command.ADD_LAST, Section.DNS_SRV, "<srv service='s' protocol='tcp'/>", "service='s'"),
]


@pytest.mark.parametrize(("command", "section", "xml", "shown"), CASES)
def test_an_entry_comes_and_goes(network: Network, command: int, section: int, xml: str, shown: str) -> None:
    update(network, command, section, -1, xml)
    assert shown in format_network(network)
    update(network, Command.DELETE, section, -1, xml)
    assert shown not in format_network(network)


def test_the_first_place(network: Network) -> None:
    update(network, Command.ADD_FIRST, Section.DNS_TXT, -1, "<txt name='b' value='2'/>")
    assert network.dns is not None
    assert [txt.name for txt in network.dns.txts] == ["b", "a"]


def test_the_address_that_is_meant(network: Network) -> None:
    update(network, Command.ADD_LAST, Section.IP_DHCP_HOST, 1, "<host name='six' ip='fd00::6'/>")
    assert network.ips[1].dhcp is not None
    assert network.ips[1].dhcp.hosts[0].ip == "fd00::6"


@pytest.mark.parametrize(
    ("command", "section", "index", "xml", "code", "text"),
    [
        (3, Section.IP_DHCP_HOST, -1, "<host mac='52:54:00:00:00:01' ip='10.0.0.9'/>", Code.OPERATION_INVALID,
         "matches \"<host mac='52:54:00:00:00:01' name='unknown' ip='10.0.0.9'/>\""),
        (2, Section.IP_DHCP_HOST, -1, "<host name='two' ip='10.0.0.9'/>", Code.OPERATION_INVALID, "couldn't locate"),
        (3, Section.IP_DHCP_HOST, 7, "<host name='two' ip='10.0.0.9'/>", Code.OPERATION_INVALID, "at index 7"),
        (1, Section.IP_DHCP_RANGE, -1, "<range/>", Code.OPERATION_UNSUPPORTED, "ranges cannot be modified"),
        (3, Section.PORTGROUP, -1, "<portgroup name='p'/>", Code.OPERATION_INVALID,
         "there is an existing portgroup entry in network 'n' that matches \"<portgroup name='p'>\""),
        (3, Section.PORTGROUP, -1, "<portgroup name='q' default='yes'/>", Code.OPERATION_INVALID, "Only one default"),
        (3, Section.DNS_TXT, -1, "<srv/>", Code.XML_ERROR, "unexpected element <srv>, expecting <txt>"),
        (3, Section.BRIDGE, -1, "<bridge/>", Code.OPERATION_UNSUPPORTED, "can't update 'bridge' section"),
        (3, 99, -1, "<x/>", Code.OPERATION_UNSUPPORTED, "unrecognized section"),
        (9, Section.DNS_TXT, -1, "<txt name='b' value='2'/>", Code.OPERATION_UNSUPPORTED, "command code 9"),
    ],
)  # fmt: skip
def test_refusals(network: Network, command: int, section: int, index: int, xml: str, code: Code, text: str) -> None:
    with pytest.raises(VirtError) as error:
        update(network, command, section, index, xml)
    assert error.value.code == code
    assert text in str(error.value)


RICH = """<network><name>n</name><forward mode='open'/><dns>
<srv service='s' protocol='tcp' domain='d' target='t' port='5'/><srv service='r' protocol='udp'/><txt name='a' value='1'/>
<host ip='10.0.0.8'><hostname>h</hostname><hostname>i</hostname></host><host ip='10.0.0.9'><hostname>j</hostname></host></dns>
<ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.2' end='10.0.0.99'/>
<host mac='52:54:00:00:00:01' name='one' ip='10.0.0.5'/><host name='two' ip='10.0.0.6'/></dhcp></ip></network>"""


@pytest.mark.parametrize(
    ("section", "xml", "gone"),
    [
        (Section.IP_DHCP_HOST, "<host ip='10.0.0.5'/>", "name='one'"),
        (Section.IP_DHCP_HOST, "<host name='one'/>", "name='one'"),
        (Section.IP_DHCP_HOST, "<host mac='52:54:00:00:00:07' name='two'/>", "name='two'"),
        (Section.DNS_HOST, "<host ip='10.0.0.8'/>", "<hostname>h"),
        (Section.DNS_HOST, "<host><hostname>i</hostname></host>", "<hostname>h"),
        (Section.DNS_SRV, "<srv target='t'/>", "service='s'"),
        (Section.DNS_TXT, "<txt name='a'/>", "name='a'"),
    ],
)
def test_what_goes_need_not_be_told_whole(section: int, xml: str, gone: str) -> None:
    network = parse_network(RICH)
    before = format_network(network)
    update(network, Command.DELETE, section, -1, xml)
    after = format_network(network)
    assert gone in before
    assert gone not in after


@pytest.mark.parametrize(
    ("section", "xml", "kind", "text"),
    [
        (Section.IP_DHCP_HOST, "<host/>", XMLError, "At least one of name, mac, or ip"),
        (Section.DNS_HOST, "<host/>", XMLDetailError, "Missing ip and hostname in network 'n'"),
        (Section.DNS_SRV, "<srv/>", VirtError, "multiple DNS SRV records"),
        (Section.DNS_HOST, "<host ip='10.0.0.8'><hostname>j</hostname></host>", VirtError, "multiple matching"),
        (Section.IP_DHCP_HOST, "<host name='one' ip='10.0.0.6'/>", VirtError, "couldn't locate a matching"),
    ],
)
def test_what_goes_has_to_be_one(section: int, xml: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        update(parse_network(RICH), Command.DELETE, section, -1, xml)


@pytest.mark.parametrize(
    ("section", "xml", "text"),
    [
        (Section.IP_DHCP_RANGE, "<range start='10.0.0.120' end='10.0.0.110'/>", "is reversed"),
        (Section.IP_DHCP_RANGE, "<range start='10.9.0.2' end='10.9.0.3'/>", "not entirely within network"),
        (Section.FORWARD_INTERFACE, "<interface dev='eth0'/>", "forward dev not allowed"),
    ],
)
def test_what_comes_fits_the_network(section: int, xml: str, text: str) -> None:
    with pytest.raises(ConfError, match=text):
        update(parse_network(RICH), Command.ADD_LAST, section, -1, xml)
