# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged documents about the host: only a ConfError may come of them, and what is accepted stays what it is."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from conf.errors import ConfError
from conf.interface import format_interface, parse_interface
from conf.nodedev import format_node_device, parse_node_device
from conf.storage import format_pool, format_volume, parse_pool, parse_volume
from tests.fuzz.damage import damage
from tests.unit.conf.test_interface_format import CANONICAL as INTERFACES
from tests.unit.conf.test_node_device_format import CANONICAL as CAPABILITIES
from tests.unit.conf.test_node_device_format import device

SECONDS = 4
SEED = 20230115

VOLUME = """\
<volume type='file'>
  <name>a.qcow2</name>
  <key>/i/a.qcow2</key>
  <capacity unit='bytes'>1048576</capacity>
  <allocation unit='bytes'>4096</allocation>
  <target>
    <path>/i/a.qcow2</path>
    <format type='qcow2'/>
    <permissions>
      <mode>0600</mode>
      <owner>1</owner>
      <group>2</group>
      <label>l</label>
    </permissions>
    <encryption format='luks'>
      <secret type='passphrase' uuid='00112233-4455-6677-8899-aabbccddeeff'/>
      <cipher name='aes' size='256' mode='xts' hash='sha256'/>
      <ivgen name='plain64' hash='sha256'/>
    </encryption>
    <compat>1.1</compat>
    <clusterSize unit='B'>65536</clusterSize>
    <features>
      <lazy_refcounts/>
    </features>
  </target>
  <backingStore>
    <path>/i/b.raw</path>
    <format type='raw'/>
  </backingStore>
</volume>
"""
POOL = """\
<pool type='netfs'>
  <name>p</name>
  <uuid>00112233-4455-6677-8899-aabbccddeeff</uuid>
  <source>
    <host name='h' port='2049'/>
    <dir path='/e'/>
    <format type='nfs'/>
    <protocol ver='4'/>
    <vendor name='v'/>
  </source>
  <target>
    <path>/m</path>
    <permissions>
      <mode>0755</mode>
    </permissions>
  </target>
  <refresh>
    <volume allocation='capacity'/>
  </refresh>
</pool>
"""


def _lined(xml: str) -> str:
    """A line an element, as the damage asks for."""
    return xml.replace("><", ">\n<") + "\n"


FORMATS: list[tuple[str, list[str], Callable[[str], Any], Callable[[Any], str]]] = [
    ("nodedev", [_lined(device(body)) for body in CAPABILITIES], parse_node_device, format_node_device),
    ("interface", [_lined(xml) for xml in INTERFACES], parse_interface, format_interface),
    ("volume", [VOLUME], lambda xml: parse_volume(xml, "dir"), format_volume),
    ("pool", [POOL], parse_pool, format_pool),
]


@pytest.mark.parametrize(("samples", "parse", "write"), [f[1:] for f in FORMATS], ids=[f[0] for f in FORMATS])
def test_only_conf_errors_come_of_damaged_documents(
    samples: list[str], parse: Callable[[str], Any], write: Callable[[Any], str]
) -> None:
    rng = random.Random(SEED)
    end = time.monotonic() + SECONDS
    accepted = refused = 0
    while time.monotonic() < end:
        source = damage(rng.choice(samples), rng)
        try:
            found = parse(source)
        except ConfError:
            refused += 1
            continue
        accepted += 1
        text = write(found)
        # A line end in an attribute is written as it is, as libvirt does, and read again as a blank.
        assert write(parse(text)).split() == text.split(), source
    assert accepted > 50
    assert refused > 50
