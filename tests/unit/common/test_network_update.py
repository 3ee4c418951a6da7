# SPDX-License-Identifier: LGPL-2.1-or-later
"""virNetworkUpdate: entries come, go and are exchanged, and what libvirt says where they cannot."""

from __future__ import annotations

import pytest

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
        (1, Section.IP_DHCP_RANGE, -1, "<range/>", Code.OPERATION_INVALID, "ranges cannot be modified"),
        (3, Section.PORTGROUP, -1, "<portgroup name='p'/>", Code.OPERATION_INVALID, "already exists in network 'n'"),
        (3, Section.PORTGROUP, -1, "<portgroup name='q' default='yes'/>", Code.OPERATION_INVALID, "Only one default"),
        (3, Section.DNS_TXT, -1, "<srv/>", Code.XML_ERROR, "unexpected element <srv>, expecting <txt>"),
        (3, Section.BRIDGE, -1, "<bridge/>", Code.NO_SUPPORT, "can't update 'bridge' section"),
        (3, 99, -1, "<x/>", Code.NO_SUPPORT, "unrecognized section"),
        (9, Section.DNS_TXT, -1, "<txt name='b' value='2'/>", Code.NO_SUPPORT, "command code 9"),
    ],
)  # fmt: skip
def test_refusals(network: Network, command: int, section: int, index: int, xml: str, code: Code, text: str) -> None:
    with pytest.raises(VirtError) as error:
        update(network, command, section, index, xml)
    assert error.value.code == code
    assert text in str(error.value)
