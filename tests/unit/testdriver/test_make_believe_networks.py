# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks, their ports, and the host's interfaces."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.make_believe import Caller
from virtd.enums import ConnectListAllNetworksFlags as List
from virtd.enums import NetworkEventLifecycleType as Lifecycle
from virtd.enums import NetworkUpdateCommand as Command
from virtd.enums import NetworkUpdateSection as Section
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError
from virtd.events import Event, Kind
from virtd.params import TypedParam

XML = "<network><name>n</name>{}<bridge name='virbr7'/><ip address='10.0.0.1' netmask='255.255.255.0'/></network>"
PORT = """<networkport><uuid>{}</uuid><owner><name>g</name><uuid>11111111-2222-3333-4444-555555555555</uuid></owner>
<mac address='52:54:00:00:00:01'/></networkport>"""
PORT_UUID = UUID(int=7)


def refused(code: Code, text: str | None = None) -> Any:
    return pytest.raises(VirtError, match=text, check=lambda error: error.code == code)


def test_life_of_a_network(client: Caller, told: list[Event]) -> None:
    net = client.network_define_xml_flags(XML.format(""), 0)
    assert client.network_is_active(net) == 0
    client.network_create(net)
    client.network_set_autostart(net, 1)
    assert client.connect_list_all_networks(List.AUTOSTART) == [net]
    assert client.network_get_bridge_name(net) == "virbr7"
    with refused(Code.OPERATION_INVALID, "is still running"):
        client.network_undefine(net)
    client.network_destroy(net)
    client.network_undefine(net)
    with refused(Code.NO_NETWORK):
        client.network_is_active(net)
    events = [event.args[0] for event in told if event.kind is Kind.NETWORK]
    assert events == [Lifecycle.DEFINED, Lifecycle.STARTED, Lifecycle.STOPPED, Lifecycle.UNDEFINED]


def test_a_transient_network_is_gone_when_it_ends(client: Caller) -> None:
    net = client.network_create_xml_flags(XML.format(""), 0)
    assert client.connect_list_all_networks(List.TRANSIENT) == [net]
    with refused(Code.OPERATION_FAILED, "already exists"):
        client.network_define_xml_flags(XML.format(f"<uuid>{PORT_UUID}</uuid>"), 0)
    client.network_destroy(net)
    assert [found.name for found in client.connect_list_all_networks(0)] == ["default"]


def test_an_update_changes_what_runs_or_what_is_stored(client: Caller) -> None:
    net = client.network_define_xml_flags(XML.format(""), 0)
    client.network_create(net)
    host = "<host mac='52:54:00:00:00:01' ip='10.0.0.9'/>"
    client.network_update(net, Command.ADD_LAST, Section.IP_DHCP_HOST, -1, host, 0)
    assert "10.0.0.9" in client.network_get_xml_desc(net, 0)
    with refused(Code.OPERATION_INVALID, "there is an existing dhcp host entry"):
        client.network_update(net, Command.ADD_LAST, Section.IP_DHCP_HOST, -1, host, 0)
    client.network_destroy(net)
    assert "10.0.0.9" not in client.network_get_xml_desc(net, 0)


def test_ports(client: Caller) -> None:
    (net,) = client.connect_list_all_networks(0)
    port = client.network_port_create_xml(net, PORT.format(PORT_UUID), 0)
    assert client.network_list_all_ports(net, 0) == [port]
    with refused(Code.NETWORK_PORT_EXIST):
        client.network_port_create_xml(net, PORT.format(PORT_UUID), 0)
    client.network_port_set_parameters(port, [TypedParam("inbound.average", T.UINT, 100)], 0)
    assert "<inbound average='100'/>" in client.network_port_get_xml_desc(port, 0)
    assert client.network_port_get_parameters(port, 0)[0] == TypedParam("inbound.average", T.UINT, 100)
    client.network_port_delete(port, 0)
    with refused(Code.NO_NETWORK_PORT):
        client.network_port_lookup_by_uuid(net, PORT_UUID.bytes)


def test_leases_are_those_of_running_guests(client: Caller) -> None:
    (net,) = client.connect_list_all_networks(0)
    ((_bridge, _expiry, _type, mac, _iaid, address, prefix, _host, _id),) = client.network_get_dhcp_leases(net, None, 0)
    assert (mac, address, prefix) == ("aa:bb:cc:dd:ee:ff", "192.168.122.3", 24)
    assert client.network_get_dhcp_leases(net, "52:54:00:00:00:00", 0) == []
    (dom,) = client.connect_list_all_domains(0)
    client.domain_destroy_flags(dom, 0)
    assert client.network_get_dhcp_leases(net, None, 0) == []


@pytest.mark.parametrize(
    ("address", "dhcp", "expected"),
    [
        ("<ip address='10.9.9.9' prefix='32'/>", "", "10.9.9.9"),
        ("<ip family='ipv6' address='fd00::9' prefix='128'/>", "", "fd00::9"),
        ("<ip address='10.9.9.1' prefix='30'>", "10.9.9.2", "10.9.9.3"),
    ],
)
def test_a_guest_finds_no_address_outside_its_network(client: Caller, address: str, dhcp: str, expected: str) -> None:
    ip = f"{address}<dhcp><range start='{dhcp}' end='{dhcp}'/></dhcp></ip>" if dhcp else address
    client.network_create_xml_flags(f"<network><name>n</name><bridge name='virbr7'/>{ip}</network>", 0)
    guest = client.domain_create_xml(
        "<domain type='test'><name>g</name><memory>1024</memory><os><type>hvm</type></os>"
        "<devices><interface type='network'><source network='n'/></interface></devices></domain>",
        0,
    )
    ((_, _, ((_, found, _),)),) = client.domain_interface_addresses(guest, 0, 0)
    assert found == expected


def test_names_of_many_interfaces_are_found_at_once(client: Caller) -> None:
    named, unnamed = "<interface type='user'><target dev='testnet1'/></interface>", "<interface type='user'/>"
    guest = client.domain_define_xml_flags(
        "<domain type='test'><name>g</name><memory>1024</memory><os><type>hvm</type></os><devices>"
        f"{unnamed}{named}{unnamed * 2}</devices></domain>",
        0,
    )
    names = re.findall(r"dev='(testnet\d+)'", client.domain_get_xml_desc(guest, 0))
    assert names == ["testnet0", "testnet1", "testnet2", "testnet3"]


def test_changes_of_interfaces_can_be_taken_back(client: Caller) -> None:
    (eth1,) = client.connect_list_all_interfaces(0)
    client.interface_change_begin(0)
    client.interface_destroy(eth1, 0)
    new = client.interface_define_xml("<interface type='ethernet' name='eth7'/>", 0)
    assert client.interface_is_active(new) == 0
    client.interface_change_rollback(0)
    assert client.interface_is_active(eth1) == 1
    with refused(Code.NO_INTERFACE):
        client.interface_lookup_by_name("eth7")
    with refused(Code.OPERATION_INVALID, "nothing to be committed"):
        client.interface_change_commit(0)


def test_an_address_that_two_interfaces_have_names_none(client: Caller) -> None:
    for name in ("a", "b"):
        xml = f"<interface type='ethernet' name='{name}'><mac address='00:11:22:33:44:55'/></interface>"
        client.interface_define_xml(xml, 0)
    with refused(Code.MULTIPLE_INTERFACES):
        client.interface_lookup_by_mac_string("00:11:22:33:44:55")
