# SPDX-License-Identifier: LGPL-2.1-or-later
"""Corners of the domain format where libvirt reads something else than it seems to say, or nothing."""

from __future__ import annotations

import pytest

from conf.domain import format_domain, parse_domain
from conf.domain.validation import validate
from conf.errors import ConfError


def document(inside: str) -> str:
    return f"<domain type='kvm'><name>a</name><memory>4096</memory><vcpu>4</vcpu><os><type>hvm</type></os>{inside}</domain>"


def numa(first: str = "", more: str = "") -> str:
    second = "<cell id='1' cpus='2-3' memory='1024'/>"
    return f"<cpu><numa><cell id='0' cpus='0-1' memory='1024'>{first}</cell>{second}{more}</numa></cpu>"


def cache(level: int = 1) -> str:
    return (
        f"<cache level='{level}' associativity='direct' policy='writeback'>"
        "<size value='10' unit='MiB'/><line value='8' unit='KiB'/></cache>"
    )


def tune(kind: str, share: str, *monitors: str) -> str:
    level = " level='3'" if kind == "cachetune" else ""
    watched = "".join(f"<monitor{level} vcpus='{m}'/>" for m in monitors)
    return f"<cputune><{kind} vcpus='0-3'>{share}{watched}</{kind}></cputune>"


NODE = "<node id='0' bandwidth='20'/>"


@pytest.mark.parametrize(
    ("inside", "written"),
    [
        (numa(cache()), "<size value='10' unit='KiB'/>\n          <line value='8' unit='B'/>"),
        (
            numa("<distances><sibling id='1' value='20'/><sibling id='1' value='30'/></distances>"),
            "<sibling id='0' value='20'/>",
        ),
        ("<cpu><numa><cell id='0' cpus='0' memory='0'/></numa></cpu>", "<memory unit='KiB'>4096</memory>"),
        ("<cpu><model fallback=''>m</model></cpu>", "<model fallback='allow'>m</model>"),
        ("<features><hyperv><spinlocks state='on' retries='4294967295'/></hyperv></features>", "retries='-1'"),
        ("<features><hpt><maxpagesize>64</maxpagesize></hpt></features>", "<maxpagesize unit='KiB'>64<"),
        (
            tune("cachetune", "<cache id='0' level='3' type='both' size='7'/>"),
            "<cache id='0' level='3' type='both' size='7' unit='KiB'/>",
        ),
        ("<seclabel type='static' model='none'><label>x</label></seclabel>", "<seclabel type='none' model='none'/>"),
        ("<blkiotune><weight>x</weight></blkiotune>", "<vcpu"),
        (
            "<sysinfo type='fwcfg'><entry name='opt/a' file='/f'>v</entry></sysinfo>",
            "<entry name='opt/a' file='/f'/>",
        ),
        (tune("memorytune", NODE, "0-3", "1"), "<monitor vcpus='1'/>"),
    ],
)
def test_written(inside: str, written: str) -> None:
    text = format_domain(parse_domain(document(inside)))
    assert written in text
    assert "blkiotune" not in text


@pytest.mark.parametrize(
    ("inside", "code", "words"),
    [
        (numa("<distances/>"), 27, "NUMA distances defined without siblings"),
        (numa(cache(2) + cache(2)), 27, "Cache level '2' already defined"),
        ("<cpu><model vendor_id='a,b456789012'>m</model></cpu>", 27, "vendor id is invalid"),
        ("<os><type>hvm</type><nvram type='file'/></os>", 1, "nvram"),
        (tune("memorytune", NODE, "0-1", "1-2"), 8, "vcpus overlaps in resctrl groups"),
        (tune("memorytune", NODE, "0-1", "0-1"), 8, "Identical vcpus found in same type monitors"),
        (tune("cachetune", "", "0-3", "0-1"), 8, "vcpus overlaps in resctrl groups"),
        ("<cputune><cachetune vcpus='0'><monitor level='2' vcpus='0'/></cachetune></cputune>", 27, "cache level '2'"),
        ("<seclabel relabel='yes'/>", 27, "missing security model in domain seclabel"),
        ("<blkiotune><device><path>/d</path><weight>x</weight></device></blkiotune>", 67, "could not parse weight x"),
        ("<resource><fibrechannel appid=''/></resource>", 1, "appid"),
        ("<iothreads>1</iothreads><defaultiothread thread_pool_min='0'/>", 67, "thread_pool_min must be smaller"),
        ("<memoryBacking><hugepages><page size='0'/></hugepages></memoryBacking>", 35, "hugepage size can't be zero"),
        (
            "<devices><controller type='pci' index='1' model='pci-bridge'><target chassisNr='0'/></controller></devices>",
            67,
            "PCI controller chassisNr '0' out of range - must be 1-255",
        ),
    ],
)
def test_refused(inside: str, code: int, words: str) -> None:
    text = document(inside)
    if inside.startswith("<os>"):
        text = text.replace("<os><type>hvm</type></os>", "", 1)
    with pytest.raises(ConfError, match=words) as raised:
        validate(parse_domain(text))
    assert raised.value.code == code


def test_a_transient_guest_has_names_in_its_definition() -> None:
    devices = (
        "<devices><disk type='file'><source file='/a' index='3'/><target dev='vda'/><alias name='virtio-disk0'/></disk>"
        "</devices><seclabel type='dynamic' model='dac' relabel='yes'><imagelabel>+1:+1</imagelabel></seclabel>"
    )
    running = parse_domain(document(devices), inactive=False)
    for name in ("index='3'", "<alias name='virtio-disk0'/>", "<imagelabel>+1:+1</imagelabel>"):
        assert name not in format_domain(running)
        assert name in format_domain(running, transient=True)
