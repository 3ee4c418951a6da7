# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control groups of both versions, over plain folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drivers.lxc.runtime.cgroup import UNLIMITED, Cgroup, DeviceRule
from drivers.lxc.runtime.groupfolders import Hierarchies
from tests.fakes.cgroup_tree import version1, version2
from virtd.errors import VirtError

NAME = "machine/lxc-1-demo.libvirt-lxc"


@pytest.fixture
def old(tmp_path: Path) -> Cgroup:
    return Cgroup(Hierarchies(version1(tmp_path, NAME), None), NAME)


@pytest.fixture
def new(tmp_path: Path) -> Cgroup:
    return Cgroup(Hierarchies({}, version2(tmp_path, NAME)), NAME)


@pytest.fixture(params=["old", "new"])
def either(request: pytest.FixtureRequest) -> Cgroup:
    found: Cgroup = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", 65536),
        ("soft_limit", 1024),
        ("swap_hard_limit", 4096),
        ("shares", 512),
        ("weight", 300),
        ("quota", 20000),
    ],
)
def test_a_number_that_was_set_is_read_again(either: Cgroup, name: str, value: int):
    either.set(name, value)
    assert either.get(name) == value


def test_no_limit_is_one_number_in_both_versions(either: Cgroup):
    assert either.get("memory") == UNLIMITED
    assert either.get("quota") == -1
    either.set("memory", 1024)
    either.set("memory", UNLIMITED)
    either.set("quota", 1000)
    either.set("quota", -1)
    assert (either.get("memory"), either.get("quota")) == (UNLIMITED, -1)


def test_period_and_quota_share_a_file_in_version_2(new: Cgroup, tmp_path: Path):
    new.set("quota", 25000)
    new.set("period", 50000)
    assert (tmp_path / NAME / "cpu.max").read_text() == "25000 50000"
    assert (new.get("period"), new.get("quota")) == (50000, 25000)


def test_figures(either: Cgroup):
    assert either.cpu_time() == 5_000_000
    assert either.memory_usage() == 1024
    assert either.swap_usage() == 512
    assert either.block_stats(None) == (8, 800, 10, 1000)


def test_time_in_user_and_system_mode(old: Cgroup, new: Cgroup):
    tick = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert old.cpu_time_split() == (3 * tick, 4 * tick)
    assert new.cpu_time_split() == (3_000_000, 2_000_000)


def test_times_on_each_processor(old: Cgroup, new: Cgroup):
    assert old.cpu_times() == [2_000_000, 3_000_000]
    with pytest.raises(VirtError, match="not supported by cgroup v2"):
        new.cpu_times()


def test_limits_of_a_device(old: Cgroup, new: Cgroup, tmp_path: Path):
    number = "1:3"  # what /dev/null is stands for any device
    old.set_device_limit("read_bytes_sec", "/dev/null", 4096)
    assert (tmp_path / "blkio" / NAME / "blkio.throttle.read_bps_device").read_text() == f"{number} 4096"
    new.set_device_limit("write_iops_sec", "/dev/null", 0)
    assert (tmp_path / NAME / "io.max").read_text() == f"{number} wiops=max"
    new.set_device_limit("weight", "/dev/null", 200)
    assert (tmp_path / NAME / "io.weight").read_text() == f"{number} 200"


def test_devices_of_version_1(old: Cgroup, tmp_path: Path):
    folder = tmp_path / "devices" / NAME
    old.restrict_devices([DeviceRule("c", 136, None)])
    assert (folder / "devices.deny").read_text() == "a"
    assert (folder / "devices.allow").read_text() == "c 136:* rwm"
    old.deny_device([], DeviceRule("b", 8, 1, "rm"))
    assert (folder / "devices.deny").read_text() == "b 8:1 rm"


def test_freezing(old: Cgroup, new: Cgroup, tmp_path: Path):
    old.freeze()
    assert (tmp_path / "freezer" / NAME / "freezer.state").read_text() == "FROZEN"
    new.freeze()
    assert (tmp_path / NAME / "payload/cgroup.freeze").read_text() == "1"
    new.thaw()
    assert (tmp_path / NAME / "payload/cgroup.freeze").read_text() == "0"


def test_a_controller_that_the_host_lacks(tmp_path: Path):
    group = Cgroup(Hierarchies({}, None), NAME)
    with pytest.raises(VirtError, match="cgroup MEMORY controller is not mounted"):
        group.memory_usage()
    assert not group.has("memory")


def test_the_kernels_refusal_is_told(new: Cgroup, tmp_path: Path):
    (tmp_path / NAME / "memory.current").unlink()
    with pytest.raises(VirtError, match=r"memory\.current'"):
        new.memory_usage()


def test_a_group_is_made_and_removed_with_all_in_it(tmp_path: Path):
    mounts = {name: tmp_path / name for name in ("cpu", "memory")}
    for mount in mounts.values():
        mount.mkdir()
    group = Cgroup(Hierarchies(mounts, None), NAME)
    group.create()
    assert group.entrances() == [str(mount / NAME / "tasks") for mount in mounts.values()]
    (mounts["cpu"] / NAME / "inner/most").mkdir(parents=True)
    group.remove()
    assert [list((mount / "machine").iterdir()) for mount in mounts.values()] == [[], []]


def test_what_stops_the_container_does_not_stop_its_controller(old: Cgroup, new: Cgroup, tmp_path: Path):
    assert str(tmp_path / "freezer" / NAME / "tasks") not in old.entrances()
    assert old.inner_entrances() == [str(tmp_path / "freezer" / NAME / "tasks")]
    assert new.entrances() == [str(tmp_path / NAME / "supervisor/cgroup.procs")]
    assert new.inner_entrances() == [str(tmp_path / NAME / "payload/cgroup.procs")]


def test_hierarchies_are_found(tmp_path: Path):
    mountinfo = tmp_path / "mountinfo"
    old = "30 25 0:26 / /cg/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    named = "31 25 0:27 / /cg/systemd rw - cgroup cgroup rw,name=systemd\n"
    unified = "32 25 0:28 / /cg/unified rw - cgroup2 cgroup2 rw\n"
    mountinfo.write_text(old + named + unified)
    assert Hierarchies.find(mountinfo).controllers == dict.fromkeys(("cpu", "cpuacct"), Path("/cg/cpu,cpuacct"))
    assert Hierarchies.find(mountinfo).unified is None
    mountinfo.write_text(unified)
    assert Hierarchies.find(mountinfo).unified == Path("/cg/unified")
