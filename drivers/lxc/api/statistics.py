# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a domain uses of processors, memory, disks and networks."""

from __future__ import annotations

import os

from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.enums import DomainMemoryStatTags as Tags
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.host import netdev
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef

#: Parameters of virDomainBlockStatsFlags, in libvirt's order → place in `Cgroup.block_stats`.
_BLOCK_PARAMS = {"wr_bytes": 3, "wr_operations": 2, "rd_bytes": 1, "rd_operations": 0}
#: The kernel does not count them by container.
_NO_ERRORS = -1


class StatisticsApi(Part):
    """virDomainMemoryStats, virDomainGetCPUStats, virDomainBlockStats, virDomainInterfaceStats."""

    def domain_memory_stats(self, dom: DomainRef, flags: int) -> list[tuple[int, int]]:
        """virDomainMemoryStats: (tag, KiB) pairs."""
        check_flags(flags, 0, "lxcDomainMemoryStats")
        guest = self._running(dom)
        group = self._group(guest)
        balloon = guest.definition.current_memory or guest.definition.memory
        return [(Tags.ACTUAL_BALLOON, balloon), (Tags.SWAP_IN, group.swap_usage()), (Tags.RSS, group.memory_usage())]

    def domain_get_cpu_stats(self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int) -> list[list[TypedParam]]:
        """virDomainGetCPUStats: of all processors together, or of each from `start_cpu` on."""
        check_flags(flags, 0, "lxcDomainGetCPUStats")
        guest = self._running(dom)
        group = self._group(guest)
        if start_cpu == -1:
            return [_total(group.cpu_time(), *group.cpu_time_split())]
        if ncpus == 0:
            return [[] for _ in range(os.cpu_count() or 1)]  # asked for their number only
        each = group.cpu_times()
        if start_cpu >= len(each):
            text = f"start_cpu {start_cpu} larger than maximum of {len(each) - 1}"
            raise VirtError(Code.INVALID_ARG, text, source=From.CGROUP)
        return [_one(time) for time in each[start_cpu : start_cpu + ncpus]]

    def domain_block_stats(self, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        """virDomainBlockStats: requests and bytes read, written; errors are not counted."""
        return *self._counters(dom, path), _NO_ERRORS

    def domain_block_stats_flags(self, dom: DomainRef, path: str, flags: int) -> list[TypedParam]:
        """virDomainBlockStatsFlags."""
        check_flags(flags, 0, "lxcDomainBlockStatsFlags")
        counted, params = self._counters(dom, path), ParamList()
        for name, place in _BLOCK_PARAMS.items():
            params.add_llong(name, counted[place])
        return params

    def _counters(self, dom: DomainRef, path: str) -> tuple[int, int, int, int]:
        """The counters of one of the domain's disks, of all it uses where `path` is empty."""
        guest = self._running(dom)
        device = _disk_source(guest, path) if path else None
        return self._group(guest).block_stats(device)

    def domain_interface_stats(self, dom: DomainRef, device: str) -> tuple[int, ...]:
        """virDomainInterfaceStats, as the container sees it; `device` is the host's end or the address."""
        name = _host_end(self._running(dom), device)
        try:
            counted = netdev.counters(name)
        except OSError as error:
            text = "/proc/net/dev: Interface not found"
            raise VirtError(Code.INTERNAL_ERROR, text, source=From.STATS_LINUX) from error
        return counted[4:] + counted[:4]


def _total(time: int, user: int, system: int) -> list[TypedParam]:
    params = _one(time)
    params.add_ullong("user_time", user)
    params.add_ullong("system_time", system)
    return params


def _one(time: int) -> ParamList:
    params = ParamList()
    params.add_ullong("cpu_time", time)
    return params


def _disk_source(guest: Guest, path: str) -> str:
    """The host's block device of a disk that is named by its target or its source."""
    for disk in guest.require_active().devices.disks:
        source = disk.source.local_path if disk.source is not None else None
        if source and path in (disk.target.dev, source):
            return source
    raise invalid_arg(f"invalid path: {path}")


def _host_end(guest: Guest, device: str) -> str:
    """The host's device of an interface."""
    for interface in guest.require_active().devices.interfaces:
        name = interface.target.dev if interface.target is not None else None
        if device == name or (interface.mac is not None and device.lower() == interface.mac.address):
            if name is None:
                raise VirtError(Code.INTERNAL_ERROR, "Interface name not provided", source=From.NONE)
            return name
    raise VirtError(Code.INVALID_ARG, f"'{device}' is not a known interface", source=From.DOMAIN)
