# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's processors and memory, read from a made-up /proc and /sys, and what the API makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.common.host import HostApi
from virtd.errors import Code, VirtError
from virtd.host.node import PAGE_SIZE, Node
from virtd.params import TypedParam

FILES = {
    "proc/stat": "cpu  10 1 20 300 40 5 6 0 0 0\ncpu0 4 1 8 100 10 2 3 0 0 0\ncpu3 6 0 12 200 30 3 3 0 0 0\nintr 1\n",
    "proc/cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2596.136\n",
    "proc/meminfo": "MemTotal: 1000 kB\nMemFree: 600 kB\nMemAvailable: 700 kB\nBuffers: 30 kB\nCached: 40 kB\n",
    "sys/devices/system/cpu/present": "0-9",
    "sys/devices/system/cpu/online": "0,3-5",
    "sys/devices/system/node/online": "0-1",
    "sys/devices/system/node/node0/cpulist": "0,3",
    "sys/devices/system/node/node1/cpulist": "4-5",
    "sys/devices/system/node/node0/meminfo": "Node 0 MemTotal: 400 kB\nNode 0 MemFree: 200 kB\n",
    "sys/devices/system/node/node1/meminfo": "Node 1 MemTotal: 500 kB\nNode 1 MemFree: 300 kB\n",
    "sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages": "3",
    "sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages": "4",
    "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "7",
    "sys/kernel/mm/ksm/pages_to_scan": "100\n",
    "sys/kernel/mm/ksm/full_scans": "9\n",
}


@pytest.fixture
def host(tmp_path: Path) -> HostApi:
    files = dict(FILES)
    for cpu, core in ((0, 0), (3, 0), (4, 0), (5, 1)):
        files[f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id"] = "0" if cpu < 4 else "1"
        files[f"sys/devices/system/cpu/cpu{cpu}/topology/core_id"] = str(core)
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return HostApi(Node(tmp_path))


def test_info_counts_the_largest_of_each(host: HostApi) -> None:
    info = host.node_get_info()
    assert info[1:] == (900, 4, 2596, 2, 1, 2, 2)


def test_cpu_map_has_bits_for_those_online(host: HostApi) -> None:
    assert host.node_get_cpu_map(0) == (bytes([0b0011_1001, 0]), 4, 10)


def test_cpu_stats(host: HostApi) -> None:
    tick = 10_000_000
    assert host.node_get_cpu_stats(-1, 0) == [
        ("kernel", 31 * tick),
        ("user", 11 * tick),
        ("idle", 300 * tick),
        ("iowait", 40 * tick),
    ]
    assert host.node_get_cpu_stats(3, 0)[2] == ("idle", 200 * tick)


@pytest.mark.parametrize("cpu", [-2, 1, 10])
def test_cpus_that_are_not_there(host: HostApi, cpu: int) -> None:
    with pytest.raises(VirtError) as raised:
        host.node_get_cpu_stats(cpu, 0)
    assert raised.value.code == Code.INVALID_ARG


def test_memory_stats(host: HostApi) -> None:
    assert host.node_get_memory_stats(-1, 0) == [("total", 1000), ("free", 600), ("buffers", 30), ("cached", 40)]
    assert host.node_get_memory_stats(1, 0) == [("total", 500), ("free", 300)]
    for cell in (-2, 2):
        with pytest.raises(VirtError, match="cellNum"):
            host.node_get_memory_stats(cell, 0)


def test_free_memory(host: HostApi) -> None:
    assert host.node_get_free_memory() == 500 * 1024
    assert host.node_get_cells_free_memory(0) == [200 * 1024, 300 * 1024]
    assert host.node_get_cells_free_memory(1) == [300 * 1024]
    with pytest.raises(VirtError, match=r"start cell 2 out of range \(0-1\)"):
        host.node_get_cells_free_memory(2)


def test_free_pages(host: HostApi) -> None:
    small = PAGE_SIZE // 1024
    assert host.node_get_free_pages([small, 2048], 0, 2, 0) == [200 // small, 3, 300 // small, 4]
    assert host.node_get_free_pages([2048], -1, 1, 0) == [7]
    with pytest.raises(VirtError, match="page size 5 is not available on node 1"):
        host.node_get_free_pages([5], 1, 1, 0)


def test_memory_parameters(host: HostApi, tmp_path: Path) -> None:
    assert host.node_get_memory_parameters(0) == [
        TypedParam("shm_pages_to_scan", 2, 100),
        TypedParam("shm_full_scans", 4, 9),
    ]
    host.node_set_memory_parameters([TypedParam("shm_pages_to_scan", 2, 50)], 0)
    assert (tmp_path / "sys/kernel/mm/ksm/pages_to_scan").read_text() == "50"
    with pytest.raises(VirtError) as raised:
        host.node_set_memory_parameters([TypedParam("shm_full_scans", 4, 0)], 0)
    assert raised.value.code == Code.ARGUMENT_UNSUPPORTED


async def test_a_host_has_a_name(host: HostApi) -> None:
    assert await host.connect_get_hostname()


POOL = "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
CELL_POOLS = [f"sys/devices/system/node/node{cell}/hugepages/hugepages-2048kB/nr_hugepages" for cell in (0, 1)]


def test_huge_pages_are_set_apart(host: HostApi, tmp_path: Path) -> None:
    for name in (POOL, *CELL_POOLS):
        (tmp_path / name).write_text("5")
    assert host.node_alloc_pages([2048], [2], 0, 9, 0) == 2
    assert [(tmp_path / name).read_text() for name in CELL_POOLS] == ["7", "7"]
    assert host.node_alloc_pages([2048], [3], -1, 1, 1) == 1
    assert (tmp_path / POOL).read_text() == "3"


def test_huge_pages_that_there_are_not(host: HostApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / CELL_POOLS[0]).write_text("5")
    with pytest.raises(VirtError, match="page size 77 is not available on node 0"):
        host.node_alloc_pages([77], [1], 0, 1, 0)
    with pytest.raises(VirtError, match="system pages pool can't be modified"):
        host.node_alloc_pages([PAGE_SIZE // 1024], [1], 0, 1, 0)
    with pytest.raises(VirtError, match="start cell 5 out of range"):
        host.node_alloc_pages([2048], [1], 5, 1, 0)
    monkeypatch.setattr(Node, "set_huge_pages", lambda *_: None)
    with pytest.raises(VirtError, match="Allocated only 0"):
        host.node_alloc_pages([2048], [9], 0, 1, 0)
