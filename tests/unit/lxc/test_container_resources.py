# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory, processors, block devices: limits and use."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from drivers.lxc.interface import Cgroup, Runtime
from tests.fakes.containers import UNLIMITED, Containers, FakeCgroup, FakeRuntime, container_xml
from virtd.enums import DomainMemoryModFlags, DomainMemoryStatTags
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError
from virtd.host import netdev
from virtd.params import TypedParam
from virtd.store import files

LIVE, CONFIG = 1, 2
DISK = "<console/><disk type='block'><source dev='/dev/sdx'/><target dev='sda'/></disk>"
CARD = "<console/><interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='b'/><target dev='veth9'/></interface>"


def params(type_: int = T.ULLONG, **values: Any) -> list[TypedParam]:
    return [TypedParam(name, type_, value) for name, value in values.items()]


def plain(found: list[TypedParam]) -> dict[str, Any]:
    return {param.field: param.value for param in found}


async def test_memory_of_a_container_is_what_it_uses(containers: Containers):
    ref = await containers.run()
    assert containers.api.domain_get_info(ref) == (1, 102400, 800, 1, 7_000_000)
    containers.runtime.group.missing = {"memory", "cpuacct"}
    assert containers.api.domain_get_info(ref) == (1, 102400, 102400, 1, 0)
    assert containers.api.domain_memory_stats(ref, 0) == [
        (DomainMemoryStatTags.ACTUAL_BALLOON, 102400),
        (DomainMemoryStatTags.SWAP_IN, 20),
        (DomainMemoryStatTags.RSS, 800),
    ]


async def test_a_container_that_is_being_started_uses_nothing_yet(containers: Containers):
    ref = await containers.run()
    run = containers.guest(ref).run
    assert run is not None
    run.init_pid = 0
    assert containers.api.domain_get_info(ref) == (1, 102400, 102400, 1, 0)


async def test_present_memory(containers: Containers):
    ref = await containers.run()
    await containers.api.domain_set_memory_flags(ref, 50000, LIVE | CONFIG)
    assert containers.runtime.group.written == [("memory", 50000)]
    for flags in (0, 2):
        assert "<currentMemory unit='KiB'>50000<" in containers.api.domain_get_xml_desc(ref, flags)
    with pytest.raises(VirtError, match="Cannot set memory higher than max memory"):
        await containers.api.domain_set_memory_flags(ref, 200000, LIVE)


async def test_maximum_memory(containers: Containers):
    ref = await containers.run()
    maximum = DomainMemoryModFlags.MAXIMUM
    with pytest.raises(VirtError, match="Cannot resize the max memory on an active domain"):
        await containers.api.domain_set_memory_flags(ref, 50000, maximum)
    await containers.api.domain_set_memory_flags(ref, 50000, maximum | CONFIG)
    stored = containers.guest(ref).persistent
    assert stored is not None
    assert (stored.memory, stored.current_memory) == (50000, 50000)
    assert containers.api.domain_get_max_memory(ref) == 102400


async def test_memory_limits(containers: Containers):
    ref = await containers.run()
    await containers.api.domain_set_memory_parameters(ref, params(hard_limit=200, swap_hard_limit=300), LIVE | CONFIG)
    assert containers.runtime.group.written == [("memory", 200), ("swap_hard_limit", 300)]
    await containers.api.domain_set_memory_parameters(ref, params(hard_limit=400, swap_hard_limit=500), LIVE)
    assert containers.runtime.group.written[2:] == [("swap_hard_limit", 500), ("memory", 400)]
    assert plain(containers.api.domain_get_memory_parameters(ref, LIVE))["hard_limit"] == 400
    assert plain(containers.api.domain_get_memory_parameters(ref, CONFIG)) == {
        "hard_limit": 200, "soft_limit": UNLIMITED, "swap_hard_limit": 300,
    }  # fmt: skip


async def test_memory_limits_that_contradict_each_other(containers: Containers):
    ref = await containers.define()
    await containers.api.domain_set_memory_parameters(ref, params(hard_limit=200, swap_hard_limit=300), 0)
    for wrong in (params(hard_limit=400), params(swap_hard_limit=100), params(hard_limit=2, swap_hard_limit=1)):
        with pytest.raises(VirtError, match="must be lower than or equal to swap_hard_limit"):
            await containers.api.domain_set_memory_parameters(ref, wrong, 0)
    await containers.api.domain_set_memory_parameters(ref, params(soft_limit=900), 0)
    unlimited = params(hard_limit=UNLIMITED, swap_hard_limit=UNLIMITED, soft_limit=UNLIMITED)
    await containers.api.domain_set_memory_parameters(ref, unlimited, 0)
    assert "limit" not in containers.api.domain_get_xml_desc(ref, 0)


async def test_scheduler(containers: Containers):
    ref = await containers.run()
    assert containers.api.domain_get_scheduler_type(ref) == ("posix", 3)
    wanted = params(cpu_shares=512) + params(T.LLONG, vcpu_quota=5000)
    await containers.api.domain_set_scheduler_parameters_flags(ref, wanted, LIVE | CONFIG)
    assert containers.runtime.group.written == [("shares", 512), ("quota", 5000)]
    assert plain(containers.api.domain_get_scheduler_parameters_flags(ref, LIVE)) == {
        "cpu_shares": 512, "vcpu_period": 100000, "vcpu_quota": 5000,
    }  # fmt: skip
    assert plain(containers.api.domain_get_scheduler_parameters_flags(ref, CONFIG))["vcpu_period"] == 0
    await containers.api.domain_set_scheduler_parameters_flags(ref, params(cpu_shares=0), LIVE | CONFIG)
    assert len(containers.runtime.group.written) == 2  # the running one stays as it is
    assert plain(containers.api.domain_get_scheduler_parameters_flags(ref, CONFIG))["cpu_shares"] == 0


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (params(cpu_shares=1), "value of 'cpu_shares' is out of range"),
        (params(vcpu_period=999), "value of 'vcpu_period' is out of range"),
        (params(T.LLONG, vcpu_quota=1), "value of 'vcpu_quota' is out of range"),
        (params(emulator_period=5000), "parameter 'emulator_period' not supported"),
    ],
)
async def test_schedules_that_no_definition_could_hold(containers: Containers, wanted: list[TypedParam], text: str):
    ref = await containers.define()
    with pytest.raises(VirtError, match=text):
        await containers.api.domain_set_scheduler_parameters_flags(ref, wanted, CONFIG)


async def test_block_device_limits(containers: Containers):
    ref = await containers.run()
    wanted = params(T.UINT, weight=300) + params(T.STRING, device_read_bytes_sec="/dev/a,4294967296,/dev/b,7")
    await containers.api.domain_set_blkio_parameters(ref, wanted, LIVE | CONFIG)
    assert containers.runtime.group.written == [
        ("weight", 300), ("read_bytes_sec", "/dev/a", 4294967296), ("read_bytes_sec", "/dev/b", 7),
    ]  # fmt: skip
    more = params(T.STRING, device_read_bytes_sec="/dev/a,0", device_weight="/dev/b,9")
    await containers.api.domain_set_blkio_parameters(ref, more, CONFIG)
    found = plain(containers.api.domain_get_blkio_parameters(ref, CONFIG))
    assert (found["weight"], found["device_weight"], found["device_read_bytes_sec"]) == (300, "/dev/b,9", "/dev/b,7")
    assert plain(containers.api.domain_get_blkio_parameters(ref, LIVE))["weight"] == 300


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x", "unable to parse blkio device 'device_write_iops_sec' 'x'"),
        ("/a,x", "invalid value 'x' for parameter 'device_write_iops_sec' of device '/a'"),
        ("/a,4294967296", "invalid value '4294967296'"),
    ],
)
async def test_lists_of_block_devices_that_are_none(containers: Containers, text: str, complaint: str):
    ref = await containers.define()
    with pytest.raises(VirtError, match=complaint):
        await containers.api.domain_set_blkio_parameters(ref, params(T.STRING, device_write_iops_sec=text), 0)


async def test_processor_time(containers: Containers):
    ref = await containers.run()
    (total,) = containers.api.domain_get_cpu_stats(ref, -1, 1, 0)
    assert plain(total) == {"cpu_time": 7_000_000, "user_time": 4_000_000, "system_time": 3_000_000}
    assert [plain(one)["cpu_time"] for one in containers.api.domain_get_cpu_stats(ref, 0, 8, 0)] == [
        5_000_000,
        2_000_000,
    ]
    assert [plain(one)["cpu_time"] for one in containers.api.domain_get_cpu_stats(ref, 1, 1, 0)] == [2_000_000]
    with pytest.raises(VirtError, match="start_cpu 2 larger than maximum of 1"):
        containers.api.domain_get_cpu_stats(ref, 2, 1, 0)


async def test_block_statistics(containers: Containers):
    ref = await containers.run(container_xml(devices=DISK))
    assert containers.api.domain_block_stats(ref, "") == (1, 512, 2, 1024, -1)
    assert containers.api.domain_block_stats(ref, "sda") == (3, 1536, 4, 2048, -1)
    assert plain(containers.api.domain_block_stats_flags(ref, "/dev/sdx", 0)) == {
        "wr_bytes": 2048, "wr_operations": 4, "rd_bytes": 1536, "rd_operations": 3,
    }  # fmt: skip
    with pytest.raises(VirtError, match="invalid path: sdb"):
        containers.api.domain_block_stats(ref, "sdb")


async def test_interface_statistics(containers: Containers, monkeypatch: pytest.MonkeyPatch):
    ref = await containers.run(container_xml(devices=CARD))
    monkeypatch.setattr(netdev, "counters", lambda name: (1, 2, 3, 4, 5, 6, 7, 8) if name == "veth9" else ())
    for device in ("veth9", "52:54:00:00:00:01"):  # what the host receives the container has sent
        assert containers.api.domain_interface_stats(ref, device) == (5, 6, 7, 8, 1, 2, 3, 4)
    with pytest.raises(VirtError, match="'veth1' is not a known interface"):
        containers.api.domain_interface_stats(ref, "veth1")


async def test_what_needs_a_running_container(containers: Containers):
    ref = await containers.define()
    calls = [
        lambda: containers.api.domain_memory_stats(ref, 0),
        lambda: containers.api.domain_get_cpu_stats(ref, -1, 1, 0),
        lambda: containers.api.domain_block_stats(ref, ""),
        lambda: containers.api.domain_interface_stats(ref, "veth0"),
        lambda: containers.api.domain_get_memory_parameters(ref, LIVE),
        lambda: containers.api.domain_open_console(ref, None, 0),
        lambda: containers.api.lxc_domain_open_namespace(ref, 0),
        lambda: containers.api.domain_interface_addresses(ref, 0, 0),
        lambda: containers.api.domain_get_hostname(ref, 0),
    ]
    for call in calls:
        with pytest.raises(VirtError, match="domain is not running"):
            call()


def test_the_fake_keeps_to_the_interface():
    for protocol, fake in ((Cgroup, FakeCgroup), (Runtime, FakeRuntime)):
        assert {name for name in vars(protocol) if not name.startswith("_")} <= set(dir(fake))


async def test_a_change_that_cannot_be_written_is_none(containers: Containers, monkeypatch: pytest.MonkeyPatch):
    ref = await containers.run()
    before = containers.api.domain_get_xml_desc(ref, 2)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomic", full)
        for change in (
            lambda: containers.api.domain_set_memory_parameters(ref, params(hard_limit=5), CONFIG),
            lambda: containers.api.domain_set_scheduler_parameters_flags(ref, params(cpu_shares=5), CONFIG),
            lambda: containers.api.domain_set_blkio_parameters(ref, params(T.UINT, weight=5), CONFIG),
            lambda: containers.api.domain_attach_device_flags(ref, DISK.removeprefix("<console/>"), CONFIG),
        ):
            with pytest.raises(VirtError, match="No space left on device") as raised:
                await change()
            assert raised.value.code == Code.SYSTEM_ERROR
            assert containers.api.domain_get_xml_desc(ref, 2) == before
