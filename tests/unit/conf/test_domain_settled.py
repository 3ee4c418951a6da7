# SPDX-License-Identifier: LGPL-2.1-or-later
"""What follows from a definition is filled in when it is read."""

from __future__ import annotations

import pytest

from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain import Domain, format_domain, parse_domain
from conf.errors import InvalidArgError


def domain(inside: str) -> Domain:
    return parse_domain(
        f"<domain type='qemu'><name>a</name><memory>1000</memory><os><type>hvm</type></os>{inside}</domain>"
    )


def written(inside: str) -> str:
    return format_domain(domain(inside))


def test_the_least_there_can_be() -> None:
    least = domain("")
    assert len(least.uuid) == 36
    assert (least.current_memory, least.vcpu.count, least.clock.offset) == (1000, 1, "utc")
    assert (least.on_poweroff, least.on_reboot, least.on_crash) == ("destroy", "restart", "destroy")
    assert least.devices.disks == []


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<currentMemory>5000</currentMemory>", "<currentMemory unit='KiB'>1000</currentMemory>"),
        ("<vcpu cpuset='3,1,2,^2'>2</vcpu>", "<vcpu placement='static' cpuset='1,3'>2</vcpu>"),
        ("<blkiotune><device><path>/d</path><read_iops_sec>-1</read_iops_sec></device></blkiotune>", "<read_iops_sec>4294967295<"),
        ("<blkiotune><device><path>/d</path><read_bytes_sec>-18446744073709551615</read_bytes_sec></device></blkiotune>", "<read_bytes_sec>1<"),
        ("<vcpu current='2'>2</vcpu>", "<vcpu placement='static'>2</vcpu>"),
        ("<clock adjustment='5'/>", "<clock offset='variable' adjustment='5' basis='utc'/>"),
        ("<clock offset='localtime' adjustment='5'/>", "<clock offset='variable' adjustment='5' basis='localtime'/>"),
        ("<clock offset='variable' adjustment='z'/>", "<clock offset='variable' adjustment='0' basis='utc'/>"),
        ("<seclabel type='dynamic'/>", "<seclabel type='none' model='none'/>"),
        ("<cpu><model>qemu64</model></cpu>", "<cpu mode='custom' match='exact'>\n    <model fallback='allow'>qemu64"),
        ("<features><hyperv><relaxed state='on'/><relaxed state='off'/></hyperv></features>", "<relaxed state='off'/>"),
        ("<on_crash>destroy</on_crash><on_crash>restart</on_crash>", "<on_crash>destroy</on_crash>"),
        ("<perf><event name='mbml' enabled='no'/><event name='cmt' enabled='yes'/></perf>", "<event name='cmt' enabled='yes'/>\n    <event name='mbml'"),
    ],
)  # fmt: skip
def test_canonical_forms(inside: str, expected: str) -> None:
    assert expected in written(inside)


def test_iothreads_without_ids_get_the_lowest_free_ones() -> None:
    threads = domain("<iothreads>3</iothreads><iothreadids><iothread id='2'/></iothreadids>")
    assert threads.all_iothread_ids() == [2, 1, 3]
    assert domain("<iothreads>2</iothreads>").all_iothread_ids() == [1, 2]
    assert domain("<iothreadids><iothread id='7'/></iothreadids>").iothreads == 1


def test_vcpus_one_by_one() -> None:
    settled = domain("<vcpu>3</vcpu><vcpus><vcpu id='1' enabled='yes'/><vcpu id='0' enabled='yes'/></vcpus>")
    assert [(v.id, v.enabled, v.hotpluggable) for v in settled.vcpus] == [
        (0, True, False),
        (1, True, False),
        (2, False, True),
    ]
    assert settled.vcpu.current == 2


def test_pins_and_schedulers_stand_in_order() -> None:
    tune = domain(
        "<vcpu>3</vcpu><cputune><vcpupin vcpu='9' cpuset='0'/><vcpupin vcpu='2' cpuset='0'/><vcpupin vcpu='0' cpuset='1'/>"
        "<vcpusched vcpus='1-2' scheduler='batch'/><vcpusched vcpus='0' scheduler='rr' priority='1'/></cputune>"
    ).cputune
    assert tune is not None
    assert [pin.vcpu for pin in tune.vcpupins] == [0, 2]
    assert [(s.vcpus, s.scheduler) for s in tune.vcpuscheds] == [("0", "rr"), ("1", "batch"), ("2", "batch")]


def test_placement_is_automatic_for_both_or_neither() -> None:
    automatic = domain("<vcpu placement='auto'>1</vcpu>").numatune
    assert automatic is not None
    assert automatic.memory is not None
    assert automatic.memory.placement == "auto"
    assert domain("<numatune><memory placement='auto'/></numatune>").vcpu.placement == "auto"
    pinned = domain("<vcpu cpuset='1'>1</vcpu><numatune><memory placement='auto'/></numatune>")
    assert pinned.vcpu.placement == "static"


def test_distances_hold_both_ways() -> None:
    numa = domain(
        "<vcpu>3</vcpu><cpu><numa><cell id='1' cpus='1' memory='1'><distances><sibling id='0' value='22'/></distances></cell>"
        "<cell id='0' cpus='0' memory='1'/><cell id='2' cpus='2' memory='1'/></numa></cpu>"
    )
    assert numa.cpu is not None
    assert numa.cpu.numa is not None
    rows = [[(sibling.id, sibling.value) for sibling in cell.siblings] for cell in numa.cpu.numa.cells]
    assert rows == [[(0, 10), (1, 22)], [(0, 22), (1, 10)], []]


@pytest.mark.parametrize(
    ("said", "update", "memory"),
    [("<memory>1000</memory>", True, 7), ("<memory>1000</memory>", False, 1000), ("", False, 7)],
)
def test_memory_follows_from_the_nodes_where_it_is_settled_anew(said: str, update: bool, memory: int) -> None:
    xml = (
        f"<domain type='qemu'><name>a</name>{said}<os><type>hvm</type></os><cpu><numa><cell memory='2'/></numa></cpu>"
        "<devices><memory model='dimm'><target><size>5</size></target></memory></devices></domain>"
    )
    settled = parse_domain(xml, update=update)
    assert (settled.memory, settled.current_memory) == (memory, memory)


def test_strings_of_smbios_stand_in_order() -> None:
    (sysinfo,) = domain(
        "<sysinfo type='smbios'><system><entry name='serial'>2</entry><entry name='zz'>x</entry>"
        "<entry name='manufacturer'>1</entry></system></sysinfo>"
    ).sysinfos
    assert [(entry.name, entry.value) for entry in sysinfo.system] == [("manufacturer", "1"), ("serial", "2")]


def test_four_kinds_of_devices_are_booted_from() -> None:
    boots = "".join(f"<boot dev='{name}'/>" for name in ("hd", "network", "hd", "cdrom", "fd"))
    found = parse_domain(
        f"<domain type='qemu'><name>a</name><memory>1000</memory><os><type>hvm</type>{boots}</os></domain>"
    )
    assert [boot.dev for boot in found.os.boots] == ["hd", "network", "hd", "cdrom"]


def test_the_uuid_of_smbios_is_the_domains() -> None:
    uuid = "3f5f8a5e-6b07-4f1b-9d4f-0a4dd2f2d3c1"
    told = f"<sysinfo type='smbios'><system><entry name='uuid'>{uuid}</entry></system></sysinfo>"
    assert domain(told).uuid == uuid
    assert domain(f"{told}<uuid>{uuid.upper()}</uuid>").uuid == uuid


def test_a_cdrom_is_read_only_and_an_empty_drive_holds_no_block_device() -> None:
    (cdrom,) = domain("<devices><disk type='block' device='cdrom'><target dev='hdc'/></disk></devices>").devices.disks
    assert (cdrom.readonly, cdrom.type, cdrom.source) == (True, "file", None)


@pytest.mark.parametrize(
    ("text", "numbers"), [("0", {0}), ("0-2,^1", {0, 2}), (" 5 , 7-7", {5, 7}), ("1-3,2", {1, 2, 3})]
)
def test_bitmaps(text: str, numbers: set[int]) -> None:
    assert parse_bitmap(text) == numbers
    assert parse_bitmap(format_bitmap(numbers)) == numbers


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "^1-3", "1,,2", "0-70000", "9" * 40])
def test_bad_bitmaps(text: str) -> None:
    with pytest.raises(InvalidArgError, match="Failed to parse bitmap"):
        parse_bitmap(text)


def test_format_bitmap() -> None:
    assert format_bitmap([9, 1, 2, 3, 5]) == "1-3,5,9"
    assert format_bitmap([]) == ""
