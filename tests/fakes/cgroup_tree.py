# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control groups as plain folders, of either version."""

from __future__ import annotations

from pathlib import Path

from drivers.lxc.runtime.groupfolders import CONTROLLERS, PAYLOAD

_V1 = {
    "cpu": {"cpu.shares": "1024", "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "-1"},
    "cpuacct": {
        "cpuacct.usage": "5000000",
        "cpuacct.stat": "user 3\nsystem 4",
        "cpuacct.usage_percpu": "2000000 3000000 ",
    },
    "cpuset": {"cpuset.cpus": "0-1", "cpuset.mems": "0", "cpuset.mem_exclusive": "0"},
    "memory": {
        "memory.limit_in_bytes": "9223372036854771712",
        "memory.soft_limit_in_bytes": "9223372036854771712",
        "memory.memsw.limit_in_bytes": "9223372036854771712",
        "memory.usage_in_bytes": "1048576",
        "memory.memsw.usage_in_bytes": "1572864",
    },
    "blkio": {
        "blkio.weight": "500",
        "blkio.throttle.io_serviced": "8:0 Read 3\n8:0 Write 4\n8:16 Read 5\n8:16 Write 6\nTotal 18",
        "blkio.throttle.io_service_bytes": "8:0 Read 300\n8:0 Write 400\n8:16 Read 500\n8:16 Write 600\nTotal 1800",
    },
    "freezer": {"freezer.state": "THAWED"},
    "devices": {},
    "pids": {"pids.max": "max"},
}

_V2 = {
    "cgroup.controllers": "cpuset cpu io memory pids",
    "cpu.weight": "100",
    "cpu.max": "max 100000",
    "cpu.stat": "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000",
    "memory.max": "max",
    "memory.high": "max",
    "memory.swap.max": "max",
    "memory.current": "1048576",
    "memory.swap.current": "524288",
    "io.weight": "default 100",
    "io.stat": "8:0 rbytes=300 wbytes=400 rios=3 wios=4 dbytes=0\n8:16 rbytes=500 wbytes=600 rios=5 wios=6",
    "cpuset.cpus": "",
    "cpuset.mems": "",
}


def version1(root: Path, group: str) -> dict[str, Path]:
    """A hierarchy for each controller, with a group in it; controller → its mount point."""
    for controller in CONTROLLERS:
        folder = root / controller / group
        folder.mkdir(parents=True)
        for name, text in _V1[controller].items():
            (folder / name).write_text(text)
    return {controller: root / controller for controller in CONTROLLERS}


def version2(root: Path, group: str) -> Path:
    """One hierarchy, with a group in it; its mount point."""
    (root / group / PAYLOAD).mkdir(parents=True)
    for name, text in _V2.items():
        (root / group / name).write_text(text)
    (root / group / PAYLOAD / "cgroup.events").write_text("populated 1\nfrozen 1")
    return root
