# SPDX-License-Identifier: LGPL-2.1-or-later
"""Statistics: of one subject of one domain, and of everything at once."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from conf.domain.devices.memballoon import MemballoonStats
from drivers.common.guest import not_running
from drivers.common.images.layers import chain
from drivers.common.lookup import matches
from drivers.common.part import IMPACT, definitions, refuse
from drivers.qemu import commands, cputime
from drivers.qemu.api.base import Part
from drivers.qemu.guest import Guest
from drivers.qemu.stats import blocks, groups, memory
from drivers.qemu.stats.query import ask
from virtd.enums import ConnectGetAllDomainStatsFlags as Flags
from virtd.enums import DomainStatsTypes as Stats
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.host import netdev
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef
from virtd.threads import in_thread

_FILTERS = (1 << 8) - 1
_STATS_FLAGS = _FILTERS | Flags.NOWAIT | Flags.BACKING | Flags.ENFORCE_STATS

#: Parameter of virDomainBlockStatsFlags → field of `blocks.Counters`, in libvirt's order.
_BLOCK_PARAMS = {
    "wr_bytes": "wr_bytes",
    "wr_operations": "wr_reqs",
    "rd_bytes": "rd_bytes",
    "rd_operations": "rd_reqs",
    "flush_operations": "fl_reqs",
    "wr_total_times": "wr_times",
    "rd_total_times": "rd_times",
    "flush_total_times": "fl_times",
}


class StatisticsApi(Part):
    """virConnectGetAllDomainStats, virDomainBlockStats, virDomainInterfaceStats, virDomainMemoryStats, virDomainGetCPUStats."""

    async def connect_get_all_domain_stats(
        self, doms: list[DomainRef], stats: int, flags: int
    ) -> list[tuple[DomainRef, list[TypedParam]]]:
        """virConnectGetAllDomainStats.  With NOWAIT no QEMU that hangs keeps the answer longer than a moment."""
        check_flags(flags, _STATS_FLAGS, "qemuConnectGetAllDomainStats")
        wanted = [self._context.guests.by_uuid(dom.uuid) for dom in doms] if doms else list(self._context.guests)
        guests = [guest for guest in wanted if guest is not None and matches(guest, flags & _FILTERS)]
        if flags & Flags.ENFORCE_STATS:
            for guest in guests:
                _check_groups(guest, stats)
        stats = stats or groups.ALL
        async with asyncio.TaskGroup() as tasks:
            records = [
                tasks.create_task(_record(guest, stats, flags)) if _must_wait(guest, stats) else _known(guest, stats)
                for guest in guests
            ]
        return [r.result() if isinstance(r, asyncio.Task) else r for r in records]

    async def domain_block_stats(self, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        """virDomainBlockStats: requests and bytes read, written; errors are not counted."""
        counters = await self._counters(dom, path)
        return counters.rd_reqs, counters.rd_bytes, counters.wr_reqs, counters.wr_bytes, -1

    async def domain_block_stats_flags(self, dom: DomainRef, path: str, flags: int) -> list[TypedParam]:
        """virDomainBlockStatsFlags."""
        check_flags(flags, 0, "qemuDomainBlockStatsFlags")
        counters, params = await self._counters(dom, path), ParamList()
        for name, field in _BLOCK_PARAMS.items():
            params.add_llong(name, getattr(counters, field))
        return params

    async def _counters(self, dom: DomainRef, path: str) -> blocks.Counters:
        """The counters of one disk, of all together where `path` is empty."""
        guest = self._running(dom)
        disks = guest.definition.devices.disks
        wanted = disks if not path else [find_disk(disks, path, "invalid path: ")]
        counted = blocks.by_alias(await ask(guest, (blocks.FRONT_ENDS, blocks.NODES)))
        if not guest.active:
            raise not_running()
        total = blocks.Counters()
        for disk in wanted:
            counters = counted.get(disk.alias or "")
            if counters is None:
                raise VirtError(Code.INTERNAL_ERROR, f"cannot find statistics for device '{disk.alias}'")
            for name in _BLOCK_PARAMS.values():
                setattr(total, name, getattr(total, name) + getattr(counters, name))
        return total

    async def domain_get_block_info(self, dom: DomainRef, path: str, flags: int) -> tuple[int, int, int]:
        """virDomainGetBlockInfo: allocation, capacity, physical size, in bytes."""
        check_flags(flags, 0, "qemuDomainGetBlockInfo")
        guest = self._guest(dom)
        disk = find_disk(guest.definition.devices.disks, path, "invalid path ", " not assigned to domain")
        file = blocks.local_path(disk)
        if file is None:
            raise invalid_arg(f"disk '{path}' does not currently have a source assigned")
        try:
            extent = await in_thread(blocks.extent, file, chain(disk)[0].format)
        except OSError as error:
            text = f"cannot stat file '{file}': {os.strerror(error.errno or 0)}"
            raise VirtError(Code.SYSTEM_ERROR, text) from error
        counters = None
        if guest.active:
            replies = await ask(guest, (blocks.FRONT_ENDS, blocks.NODES))
            counters = blocks.by_alias(replies).get(disk.alias or "")
        return blocks.sizes(chain(disk)[0], extent, counters)

    def domain_interface_stats(self, dom: DomainRef, device: str) -> tuple[int, ...]:
        """virDomainInterfaceStats, as the guest sees it; `device` is the host's name of it or the guest's address."""
        guest = self._running(dom)
        card = _find_interface(guest, device)
        name = card.target.dev if card.target is not None else None
        if not name:
            raise VirtError(Code.INTERNAL_ERROR, "Interface name not provided", source=From.NONE)
        try:
            counted = netdev.counters(name)
        except OSError as error:
            raise VirtError(
                Code.INTERNAL_ERROR, "/proc/net/dev: Interface not found", source=From.STATS_LINUX
            ) from error
        return counted[4:] + counted[:4]

    async def domain_memory_stats(self, dom: DomainRef, flags: int) -> list[tuple[int, int]]:
        """virDomainMemoryStats: (tag, value) pairs."""
        check_flags(flags, 0, "qemuDomainMemoryStats")
        guest = self._running(dom)
        found = memory.statistics(guest, await ask(guest, memory.questions(guest)))
        return [(memory.TAGS[name], value) for name, value in found.items()]

    async def domain_set_memory_stats_period(self, dom: DomainRef, period: int, flags: int) -> None:
        """virDomainSetMemoryStatsPeriod: how often, in seconds, the balloon driver is to tell; 0 is never."""
        check_flags(flags, IMPACT, "qemuDomainSetMemoryStatsPeriod")
        if period < 0:
            raise refuse("period in virDomainSetMemoryStatsPeriod must be zero or greater")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            for definition in (live, stored):
                if definition is not None and not _has_balloon(definition):
                    raise VirtError(
                        Code.OPERATION_INVALID, "Memory balloon model must be virtio to set the collection period"
                    )
            if live is not None:
                await set_period(guest, period)
            for definition in (live, stored):
                if definition is not None:
                    _store_period(definition, period)
            await guest.save(live, stored)

    def domain_get_cpu_stats(self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int) -> list[list[TypedParam]]:
        """virDomainGetCPUStats of all CPUs together; of single ones the kernel keeps no count here."""
        check_flags(flags, 0, "qemuDomainGetCPUStats")
        guest = self._running(dom)
        if start_cpu != -1 and ncpus == 0:
            return [[] for _ in range(os.cpu_count() or 1)]  # asked for their number only
        if start_cpu != -1:
            text = "operation 'getCpuacctPercpuUsage' not supported for backend 'cgroup V2'"
            raise VirtError(Code.OPERATION_UNSUPPORTED, text, source=From.CGROUP)
        used, params = cputime.total(guest), ParamList()
        params.add_ullong("cpu_time", used.time)
        params.add_ullong("user_time", used.user)
        params.add_ullong("system_time", used.system)
        return [params]


def _check_groups(guest: Guest, stats: int) -> None:
    """Refuse groups that cannot be had of this guest."""
    missing = stats & ~(groups.ALL if guest.active else groups.ALL & ~groups.NEED_QEMU)
    if missing:
        text = f"Stats types bits 0x{missing:x} are not supported by this daemon or QEMU"
        raise VirtError(Code.ARGUMENT_UNSUPPORTED, text)


def _must_wait(guest: Guest, stats: int) -> bool:
    """Whether QEMU or a file has to be asked for these groups."""
    return guest.active or bool(stats & Stats.BLOCK and guest.definition.devices.disks)


def _known(guest: Guest, stats: int) -> tuple[DomainRef, list[TypedParam]]:
    """What memory holds of an inactive guest: no need for a task."""
    return _fill(groups.Request(guest, ParamList()), stats)


def _fill(request: groups.Request, stats: int) -> tuple[DomainRef, list[TypedParam]]:
    for bit, group in groups.GROUPS.items():
        if stats & bit:
            group(request)
    return request.guest.ref, request.params


async def _record(guest: Guest, stats: int, flags: int) -> tuple[DomainRef, list[TypedParam]]:
    backing, disks = bool(flags & Flags.BACKING), guest.definition.devices.disks
    request = groups.Request(guest, ParamList(), backing=backing)
    if guest.active:
        questions = groups.questions(guest, stats, backing=backing)
        request.replies = await ask(guest, questions, nowait=bool(flags & Flags.NOWAIT))
    if stats & Stats.BLOCK and disks:
        request.extents = await in_thread(groups.extents, disks)
    return _fill(request, stats)


def find_disk(disks: list[Any], path: str, before: str, after: str = "") -> Any:
    """The disk that a client names by target or by source.

    Raises:
        VirtError: INVALID_ARG with the path between `before` and `after`.
    """
    for disk in disks:
        if path and path in (disk.target.dev, blocks.local_path(disk)):
            return disk
    raise invalid_arg(f"{before}{path}{after}")


def _find_interface(guest: Guest, device: str) -> Any:
    for card in guest.definition.devices.interfaces:
        name = card.target.dev if card.target is not None else None
        if device == name or (card.mac is not None and device.lower() == card.mac.address):
            return card
    raise VirtError(Code.INVALID_ARG, f"'{device}' is not a known interface", source=From.DOMAIN)


def _has_balloon(definition: Any) -> bool:
    device = definition.devices.memballoon
    return device is not None and device.model.startswith("virtio")


def _store_period(definition: Any, period: int) -> None:
    definition.devices.memballoon.stats = MemballoonStats(period=period)


async def set_period(guest: Guest, period: int) -> None:
    """Tell the balloon how often to ask the guest."""
    device = guest.definition.devices.memballoon
    assert device is not None
    path = f"/machine/peripheral/{device.alias}"
    await commands.qom_set(guest.monitor, path, "guest-stats-polling-interval", period)
