# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged documents for every call of the test driver that takes one: only refusals come of them."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable

import pytest

from conf.errors import ConfError
from drivers.test import driver as test_driver
from tests.fakes.make_believe import Caller, make_driver
from tests.fakes.moments import SAMPLES as MOMENTS
from tests.fuzz.damage import damage
from tests.fuzz.pieces import assembled, device
from tests.fuzz.test_host_formats_fuzz import FORMATS
from virtd.enums import DomainModificationImpact
from virtd.errors import VirtError
from virtd.refs import DomainRef

SECONDS = 2.5
SEED = 20230115
SYSTEM = "<os>\n<type arch='i686'>hvm</type>\n</os>"
NETWORK = """\
<network>
  <name>n</name>
  <forward mode='nat'>
    <nat>
      <port start='1024' end='65535'/>
    </nat>
  </forward>
  <bridge name='virbr7' stp='on' delay='0'/>
  <dns>
    <txt name='a' value='1'/>
    <srv service='s' protocol='tcp' domain='d' target='t' port='5' priority='1' weight='2'/>
    <host ip='10.0.0.8'>
      <hostname>h</hostname>
    </host>
  </dns>
  <ip address='10.0.0.1' netmask='255.255.255.0'>
    <dhcp>
      <range start='10.0.0.2' end='10.0.0.99'/>
      <host mac='52:54:00:00:00:01' name='one' ip='10.0.0.5'/>
    </dhcp>
  </ip>
  <ip family='ipv6' address='fd00::1' prefix='64'/>
  <route address='10.1.0.0' prefix='16' gateway='10.0.0.9'/>
  <portgroup name='p' default='yes'>
    <bandwidth>
      <inbound average='10' peak='20' burst='30'/>
    </bandwidth>
  </portgroup>
</network>
"""
ENTRIES = [
    "<host mac='52:54:00:00:00:02'\nname='two' ip='10.0.0.6'/>\n",
    "<range start='10.0.0.100'\nend='10.0.0.110'/>\n",
    "<interface dev='eth0'/>\n",
    "<portgroup name='q'\ndefault='no'/>\n",
    "<host ip='10.0.0.9'>\n<hostname>i</hostname>\n</host>\n",
    "<txt name='b'\nvalue='2'/>\n",
    "<srv service='s'\nprotocol='udp'/>\n",
]
GUEST = "<domain type='test'><name>m</name><memory>65536</memory><os><type>hvm</type></os></domain>"
SAMPLES = {name: texts for name, texts, _, _ in FORMATS}


@pytest.fixture
async def client() -> AsyncIterator[Caller]:
    driver: test_driver.TestDriver = make_driver()
    yield await Caller(driver).open()
    await driver.stop()


def _domain(client: Caller, rng: random.Random) -> None:
    dom = client.domain_define_xml_flags(damage(assembled(rng, SYSTEM, "test"), rng), 0)
    try:
        client.domain_create_with_flags(dom, 0)
        client.domain_get_xml_desc(dom, 0)
        client.domain_interface_addresses(dom, 0, 0)
        client.connect_get_all_domain_stats([dom], 0, 0)
        client.domain_destroy_flags(dom, 0)
    finally:
        client.domain_undefine_flags(dom, 0)


def _device(client: Caller, rng: random.Random) -> None:
    dom, xml = client.domain_define_xml_flags(GUEST, 0), damage(device(rng), rng)
    try:
        client.domain_attach_device_flags(dom, xml, DomainModificationImpact.CONFIG)
        client.domain_update_device_flags(dom, xml, DomainModificationImpact.CONFIG)
        client.domain_detach_device_flags(dom, xml, DomainModificationImpact.CONFIG)
    finally:
        client.domain_undefine_flags(dom, 0)


def _network(client: Caller, rng: random.Random) -> None:
    net = client.network_define_xml_flags(damage(NETWORK, rng), 0)
    try:
        client.network_create(net)
        client.network_get_xml_desc(net, 0)
        client.network_destroy(net)
    finally:
        client.network_undefine(net)


def _entry(client: Caller, rng: random.Random) -> None:
    net = client.network_define_xml_flags(NETWORK, 0)
    section, entry = rng.randrange(14), damage(rng.choice(ENTRIES), rng)
    try:
        client.network_update(net, rng.randrange(6), section, rng.choice((-1, 0, 1, 9)), entry, 0)
        # What an entry made of the network can be read again.
        client.network_define_xml_flags(client.network_get_xml_desc(net, 0), 0)
    finally:
        client.network_undefine(net)


def _pool(client: Caller, rng: random.Random) -> None:
    pool = client.storage_pool_define_xml(damage(SAMPLES["pool"][0], rng), 0)
    try:
        client.storage_pool_create(pool, 0)
        client.storage_vol_get_xml_desc(client.storage_vol_create_xml(pool, SAMPLES["volume"][0], 0), 0)
        client.storage_pool_destroy(pool)
    finally:
        client.storage_pool_undefine(pool)


def _volume(client: Caller, rng: random.Random) -> None:
    pool = client.storage_pool_lookup_by_name("default-pool")
    volume = client.storage_vol_create_xml(pool, damage(SAMPLES["volume"][0], rng), 0)
    client.storage_vol_get_info(volume)
    client.storage_vol_get_xml_desc(volume, 0)
    client.storage_vol_delete(volume, 0)


def _interface(client: Caller, rng: random.Random) -> None:
    found = client.interface_define_xml(damage(rng.choice(SAMPLES["interface"]), rng), 0)
    client.interface_get_xml_desc(found, 0)
    client.interface_undefine(found)


def _node_device(client: Caller, rng: random.Random) -> None:
    made = client.node_device_create_xml(damage(rng.choice(SAMPLES["nodedev"]), rng), 0)
    client.node_device_destroy(made.name)


def _moment(kind: str) -> Callable[[Caller, random.Random], None]:
    samples = [path.read_text() for path in MOMENTS if path.stem.startswith(kind)]

    def take(client: Caller, rng: random.Random) -> None:
        dom: DomainRef = client.domain_define_xml_flags(GUEST, 0)
        xml = damage(rng.choice(samples), rng)
        try:
            if kind == "snapshot":
                client.domain_snapshot_create_xml(dom, xml, rng.choice((0, 1, 16)))
            else:
                client.network_port_create_xml(client.network_lookup_by_name("default"), xml, 0)
        finally:
            client.domain_undefine_flags(dom, 2 | 16)

    return take


CALLS = {
    "domain": _domain,
    "device": _device,
    "network": _network,
    "network entry": _entry,
    "pool": _pool,
    "volume": _volume,
    "interface": _interface,
    "node device": _node_device,
    "snapshot": _moment("snapshot"),
    "network port": _moment("networkport"),
}


@pytest.mark.parametrize("name", CALLS)
def test_only_refusals_come_of_damaged_documents(client: Caller, name: str) -> None:
    rng = random.Random(SEED)
    end = time.monotonic() + SECONDS
    tried = refused = 0
    while time.monotonic() < end:
        tried += 1
        try:
            CALLS[name](client, rng)
        except (ConfError, VirtError):
            refused += 1
    assert tried > 20
    assert refused > 5
