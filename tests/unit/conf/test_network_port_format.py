# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of network ports."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from conf.networkport import format_network_port, parse_network_port

UUID = "<uuid>0d6f5a5e-9a55-4c35-8d3e-6a1c8f6f9a12</uuid>"
OWNER = "<owner><name>g</name><uuid>0d6f5a5e-9a55-4c35-8d3e-6a1c8f6f9a13</uuid></owner>"
MAC = "<mac address='52:54:00:0a:0b:0c'/>"
ADDRESS = "<address domain='0x0000' bus='0x06' slot='0x00' function='0x1'/>"
OPTIONS = (
    "<virtualport type='openvswitch'><parameters profileid='p'/></virtualport>"
    "<bandwidth classID='5'><inbound average='1000' floor='5'/></bandwidth><vlan><tag id='42'/></vlan>"
    "<port isolated='no'/><rxfilters trustGuest='yes'/>"
)


def port(inside: str, start: str = UUID + OWNER + MAC) -> str:
    return f"<networkport>{start}{inside}</networkport>"


def shown(text: str) -> str:
    return "".join(line.strip() for line in format_network_port(parse_network_port(text)).splitlines())


@pytest.mark.parametrize(
    "plug",
    [
        "",
        "<plug type='network' bridge='b' macTableManager='libvirt'/>",
        "<plug type='bridge' bridge='b'/>",
        "<plug type='direct' dev='e' mode='private'/>",
        f"<plug type='hostdev-pci' managed='yes'>{ADDRESS}</plug>",
        f"<plug type='hostdev-pci' managed='no'><driver name='vfio'/>{ADDRESS}</plug>",
        "<plug type='hostdev-pci'><address domain='0x0000' bus='0x00' slot='0x00' function='0x0'/></plug>",
    ],
)
def test_canonical_text_comes_back(plug: str) -> None:
    text = port(f"{OPTIONS}{plug}", f"{UUID}{OWNER}<group>p</group>{MAC}")
    assert shown(text) == text


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ("<plug/>", ""),
        ("<plug type='none'/>", ""),
        ("<plug type='direct' dev='e' bridge='b'/>", "<plug type='direct' dev='e' mode='vepa'/>"),
        ("<group/><rxfilters/><port/>", ""),
    ],
)
def test_what_is_made_of_other_texts(given: str, settled: str) -> None:
    assert shown(port(given)) == port(settled)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (port("", OWNER + MAC), "1: network port has no uuid"),
        (port("", UUID + MAC), "1: network port has no owner name"),
        (port("", UUID + "<owner/>" + MAC), "1: network port has no owner name"),
        (port("", UUID + "<owner><name>g</name></owner>" + MAC), "1: network port has no owner UUID"),
        (port("", UUID + OWNER), "1: network port has no mac"),
        (port("", "<uuid>x</uuid>"), "1: Unable to parse UUID 'x'"),
        (port("", UUID + OWNER + "<mac address='x'/>"), "1: Unable to parse MAC 'x'"),
        (port("<plug type='bridge'/>"), "27: Missing network port bridge name"),
        (port("<plug type='direct'/>"), "27: Missing network port link device name"),
        (port("<plug type='direct' dev='e' mode='x'/>"), "27: Invalid mode setting 'x' in network port"),
        (port("<plug type='hostdev-pci'/>"), "27: Missing network port PCI address"),
        (port("<plug type='hostdev-pci'><driver name='x'/></plug>"), "27: Missing network port driver name"),
        (port("<plug type='x'/>"), "27: Invalid value for attribute 'type' in element 'plug': 'x'."),
    ],
)
def test_complaints(text: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_network_port(text)
    assert f"{caught.value.code}: {caught.value}" == complaint
