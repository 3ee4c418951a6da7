# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory and how many CPUs a guest has, may have, and will have."""

from __future__ import annotations

import pytest

from drivers.qemu.hotplug import vcpus
from tests.fakes.guests import World, guest_xml
from virtd.enums import DomainEventID, DomainMemoryModFlags, DomainVcpuFlags
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError
from virtd.params import TypedParam

LIVE, CONFIG = DomainVcpuFlags.LIVE, DomainVcpuFlags.CONFIG
MAXIMUM = DomainVcpuFlags.MAXIMUM


async def test_memory_of_a_stored_guest(world: World):
    ref = await world.define()
    await world.api.domain_set_memory_flags(ref, 32768, CONFIG)
    assert world.api.domain_get_info(ref)[1:3] == (65536, 32768)
    await world.api.domain_set_memory_flags(ref, 16384, CONFIG | DomainMemoryModFlags.MAXIMUM)
    assert world.api.domain_get_info(ref)[1:3] == (16384, 16384)
    with pytest.raises(VirtError, match="cannot set memory higher than max memory"):
        await world.api.domain_set_memory_flags(ref, 65536, CONFIG)


async def test_memory_of_a_running_guest_is_a_wish(world: World):
    ref = await world.define()
    server = await world.run(ref)
    server.replies["balloon"] = {}
    await world.api.domain_set_memory_flags(ref, 32768, LIVE)
    assert server.commands == [("balloon", {"value": 32768 * 1024})]
    assert world.api.domain_get_info(ref)[2] == 65536
    with pytest.raises(VirtError, match="cannot resize the maximum memory on an active domain"):
        await world.api.domain_set_memory_flags(ref, 32768, LIVE | DomainMemoryModFlags.MAXIMUM)


async def test_vcpu_counts(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu current='2'>4</vcpu>"))
    count = world.api.domain_get_vcpus_flags
    assert (count(ref, 0), count(ref, MAXIMUM), count(ref, CONFIG)) == (2, 4, 2)
    await world.api.domain_set_vcpus_flags(ref, 4, CONFIG)
    assert count(ref, 0) == 4
    await world.api.domain_set_vcpus_flags(ref, 3, CONFIG | MAXIMUM)
    assert (count(ref, 0), count(ref, MAXIMUM)) == (3, 3)
    for arguments, message in (
        ((4, CONFIG), "requested vcpus is greater than max allowable vcpus for the persistent domain: 4 > 3"),
        ((2, LIVE), "domain is not running"),
    ):
        with pytest.raises(VirtError, match=message):
            await world.api.domain_set_vcpus_flags(ref, *arguments)


async def test_a_cpu_is_plugged_into_the_next_slot(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu current='1'>2</vcpu>"))
    server = await world.run(ref)
    slot = {"type": "qemu64-x86_64-cpu", "vcpus-count": 1}
    server.replies |= {
        "query-hotpluggable-cpus": [
            slot | {"props": {"socket-id": 1, "core-id": 0, "thread-id": 0}},
            slot
            | {"props": {"socket-id": 0, "core-id": 0, "thread-id": 0}, "qom-path": "/machine/unattached/device[0]"},
        ],
        "device_add": {},
        "query-chardev": [],
        "query-cpus-fast": [{"cpu-index": 0, "thread-id": 10}, {"cpu-index": 1, "thread-id": 11}],
        "qom-list": [],
    }
    await world.api.domain_set_vcpus_flags(ref, 2, LIVE)
    wanted = {"driver": "qemu64-x86_64-cpu", "id": "vcpu1", "socket-id": 1, "core-id": 0, "thread-id": 0}
    assert ("device_add", wanted) in server.commands
    assert world.api.domain_get_vcpus_flags(ref, LIVE) == 2
    assert world.api.domain_get_vcpus_flags(ref, CONFIG) == 1


async def test_cpus_of_the_start_stay(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu>2</vcpu>"))
    server = await world.run(ref)
    slot = {"type": "qemu64-x86_64-cpu", "vcpus-count": 1, "qom-path": "/machine/unattached/device[0]"}
    server.replies["query-hotpluggable-cpus"] = [slot | {"props": {"core-id": core}} for core in (1, 0)]
    with pytest.raises(VirtError, match="failed to find appropriate hotpluggable vcpus") as caught:
        await world.api.domain_set_vcpus_flags(ref, 1, LIVE)
    assert caught.value.code == Code.CONFIG_UNSUPPORTED
    assert "device_del" not in [name for name, _ in server.commands]


async def test_pins_are_kept_in_the_definition(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu>2</vcpu>"))
    await world.api.domain_pin_vcpu_flags(ref, 1, b"\x05", CONFIG)
    await world.api.domain_pin_emulator(ref, b"\x02", CONFIG)
    xml = world.api.domain_get_xml_desc(ref, 0)
    assert "<vcpupin vcpu='1' cpuset='0,2'/>" in xml
    assert "<emulatorpin cpuset='1'/>" in xml
    assert world.api.domain_get_vcpu_pin_info(ref, CONFIG)[1] == b"\x05"
    assert world.api.domain_get_emulator_pin_info(ref, CONFIG) == b"\x02"
    with pytest.raises(VirtError, match="out of range of persistent cpu count 2"):
        await world.api.domain_pin_vcpu_flags(ref, 2, b"\x01", CONFIG)


async def test_pins_out_of_range_are_told_before_empty_ones(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu current='2'>4</vcpu>"))
    pin = world.api.domain_pin_vcpu_flags
    for vcpu, cpus, flags, text in (
        (9, b"\0", CONFIG, "vcpu 9 is out of range of persistent cpu count 2"),
        (3, b"\0", LIVE, "domain is not running"),
        (3, b"\0", CONFIG, "Empty cpu list for pinning"),
    ):
        with pytest.raises(VirtError, match=text):
            await pin(ref, vcpu, cpus, flags)
    with pytest.raises(VirtError, match="domain is not running"):
        await world.api.domain_pin_emulator(ref, b"\0", LIVE)
    await world.run(ref)
    with pytest.raises(VirtError, match="out of range of live cpu count 4"):
        await pin(ref, 9, b"\1", LIVE)


async def test_pins_of_a_running_guest_are_told(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu>2</vcpu>"))
    await world.api.domain_pin_vcpu_flags(ref, 1, b"\x01", CONFIG)
    await world.run(ref)
    await world.api.domain_pin_vcpu_flags(ref, 1, b"\x01", LIVE)
    ((params,),) = world.told(DomainEventID.TUNABLE)
    assert params == [TypedParam("cputune.vcpupin1", T.STRING, "0")]


async def test_stored_cpus_that_can_go_are_named(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu current='1'>2</vcpu>"))
    await world.api.domain_set_vcpus_flags(ref, 2, CONFIG | DomainVcpuFlags.HOTPLUGGABLE)
    assert "<vcpu id='1' enabled='yes' hotpluggable='yes'/>" in world.api.domain_get_xml_desc(ref, 0)


async def test_the_maximum_of_a_running_guest_stays(world: World):
    ref = await world.define(guest_xml("g", extra="<vcpu>2</vcpu>"))
    await world.run(ref)
    with pytest.raises(VirtError, match="maximum vcpu count of a live domain can't be modified") as caught:
        await world.api.domain_set_vcpus_flags(ref, 3, LIVE | CONFIG | MAXIMUM)
    assert caught.value.code == Code.OPERATION_UNSUPPORTED
    assert world.api.domain_get_vcpus_flags(ref, CONFIG | MAXIMUM) == 2


async def test_cpus_that_can_go_are_plugged_in_before_the_guest_runs(world: World):
    named = "<vcpu>4</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>"
    named += "<vcpu id='1' enabled='yes' hotpluggable='yes' order='3'/><vcpu id='3' enabled='yes' hotpluggable='yes' order='2'/></vcpus>"
    ref = await world.define(guest_xml("g", extra=named))
    server = await world.run(ref)
    places = [{"socket-id": 0, "core-id": core, "thread-id": thread} for core in (1, 0) for thread in (1, 0)]
    slots = [{"type": "cpu", "vcpus-count": 1, "props": place} for place in places]
    slots[3]["qom-path"] = "/machine/unattached/device[0]"
    server.replies |= {
        "query-hotpluggable-cpus": slots,
        "device_add": {},
        "query-chardev": [],
        "query-cpus-fast": [],
        "qom-list": [],
    }
    await vcpus.plug_at_start(world.guest(ref))
    added = [arguments for name, arguments in server.commands if name == "device_add"]
    assert [(a["id"], a["core-id"], a["thread-id"]) for a in added] == [("vcpu3", 1, 1), ("vcpu1", 0, 1)]
    assert world.api.domain_get_vcpus_flags(ref, LIVE) == 3
