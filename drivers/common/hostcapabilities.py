# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<host>` of the capabilities as every hypervisor on it tells of it."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from conf.capabilities import Host, HostCpu, PageSize, PowerManagement, SecurityModel
from drivers.common.topology import cache_banks, numa_topology, page_sizes, read_cpus
from virtd.host.node import read_text

_UUID_SOURCES = (Path("/sys/class/dmi/id/product_uuid"), Path("/etc/machine-id"))


def host_uuid() -> str | None:
    """What tells this host from others: the board's UUID, else the installation's."""
    for path in _UUID_SOURCES:
        try:
            return str(uuid.UUID(read_text(path) or ""))
        except ValueError:
            continue
    return None


def plain_host(arch: str, secmodels: list[SecurityModel]) -> Host:
    """The host without what only a hypervisor knows of it.  Blocks."""
    cpus, sizes = read_cpus(), page_sizes()
    return Host(
        uuid=host_uuid(),
        cpu=HostCpu(arch=arch, pages=[PageSize(size=size) for size in sizes]),
        power_management=_power_management(),
        iommu=_has_entries("/sys/kernel/iommu_groups"),
        topology=numa_topology(cpus, sizes),
        cache=cache_banks(cpus),
        secmodels=secmodels,
    )


def _power_management() -> PowerManagement:
    states = (read_text(Path("/sys/power/state")) or "").split()
    memory, disk = "mem" in states, "disk" in states
    return PowerManagement(suspend_mem=memory, suspend_disk=disk, suspend_hybrid=memory and disk)


def _has_entries(folder: str) -> bool:
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False
