# SPDX-License-Identifier: LGPL-2.1-or-later
"""The groups of virConnectGetAllDomainStats: a function each, and the table of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from conf.domain.devices.disk import Disk
from drivers.qemu import cputime
from drivers.qemu.block.layers import chain, is_empty
from drivers.qemu.guest import Guest
from drivers.qemu.stats import blocks, memory
from drivers.qemu.stats.query import Asker
from virtd.enums import DomainStatsTypes as Stats
from virtd.enums import VcpuState
from virtd.host import netdev
from virtd.params import ParamList


@dataclass(slots=True)
class Request:
    """One guest within one call."""

    guest: Guest
    asker: Asker
    params: ParamList
    backing: bool = False


def state(request: Request) -> None:
    guest, params = request.guest, request.params
    params.add_int("state.state", guest.state)
    params.add_int("state.reason", guest.reason)


async def cpu(request: Request) -> None:
    if not request.guest.active:
        return
    used, params = cputime.total(request.guest), request.params
    params.add_ullong("cpu.time", used.time)
    params.add_ullong("cpu.user", used.user)
    params.add_ullong("cpu.system", used.system)
    params.add_uint("cpu.cache.monitor.count", 0)
    polled = {"success": 0, "fail": 0}
    for counts in await _kvm_counts(request, "vcpu"):
        for count in counts:
            for way in polled:
                if count.get("name") == f"halt_poll_{way}_ns":
                    polled[way] += count.get("value", 0)
    for way, time in polled.items():
        params.add_ullong(f"cpu.haltpoll.{way}.time", time)


def balloon_stored(request: Request) -> None:
    definition, params = request.guest.definition, request.params
    params.add_ullong("balloon.current", definition.current_memory or definition.memory)
    params.add_ullong("balloon.maximum", definition.memory)


async def balloon(request: Request) -> None:
    balloon_stored(request)
    if request.guest.active:
        for name, value in (await memory.statistics(request.asker)).items():
            if name != "actual":
                request.params.add_ullong(f"balloon.{name}", value)


def vcpu_stored(request: Request) -> None:
    count, params = request.guest.definition.vcpu, request.params
    params.add_uint("vcpu.current", count.count if count.current is None else count.current)
    params.add_uint("vcpu.maximum", count.count)


async def vcpu(request: Request) -> None:
    vcpu_stored(request)
    guest, params, runtime = request.guest, request.params, request.guest.runtime
    if not guest.active or runtime is None or runtime.process is None:
        return
    counts = await _kvm_counts(request, "vcpu")
    pid, threads = runtime.process.pid, runtime.vcpu_threads
    count = guest.definition.vcpu
    for index in range(count.count if count.current is None else count.current):
        params.add_int(f"vcpu.{index}.state", VcpuState.RUNNING)
        if index in threads:
            params.add_ullong(f"vcpu.{index}.time", cputime.thread(pid, threads[index]).time)
            params.add_ullong(f"vcpu.{index}.wait", 0)
            params.add_ullong(f"vcpu.{index}.delay", cputime.schedule(pid, threads[index])[1])
        _add_counts(params, f"vcpu.{index}", counts[index] if index < len(counts) else [])


async def vm(request: Request) -> None:
    for counts in await _kvm_counts(request, "vm"):
        _add_counts(request.params, "vm", counts)


async def _kvm_counts(request: Request, target: str) -> list[list[dict[str, Any]]]:
    """What KVM counts, for each CPU or for the machine; nothing without KVM."""
    if request.guest.definition.type != "kvm":
        return []
    reply = await request.asker.ask("query-stats", {"target": target})
    results = reply if isinstance(reply, list) else []
    return [r.get("stats", []) for r in results if r.get("provider") == "kvm"]


#: How KVM's counters of these kinds are to be read is part of their name; without the schema all are sums.
def _add_counts(params: ParamList, prefix: str, counts: list[dict[str, Any]]) -> None:
    for count in counts:
        value = count.get("value")
        if isinstance(value, int) and not isinstance(value, bool):
            params.add_ullong(f"{prefix}.{count.get('name')}.sum", value)


async def interface(request: Request) -> None:
    guest, params = request.guest, request.params
    if not guest.active:
        return
    interfaces = guest.definition.devices.interfaces
    params.add_uint("net.count", len(interfaces))
    for index, card in enumerate(interfaces):
        name = card.target.dev if card.target is not None else None
        if not name:
            continue
        params.add_string(f"net.{index}.name", name)
        try:
            counted = netdev.counters(name)
        except OSError:
            continue
        # What the host sends into the tap is what the guest receives.
        for way, values in (("rx", counted[4:]), ("tx", counted[:4])):
            for what, value in zip(("bytes", "pkts", "errs", "drop"), values, strict=True):
                params.add_ullong(f"net.{index}.{way}.{what}", value)


async def block(request: Request) -> None:
    guest, params = request.guest, request.params
    disks = guest.definition.devices.disks
    figures = await blocks.ask(request.asker) if guest.active and disks else blocks.BlockFigures()
    nodes = await blocks.ask_nodes(request.asker) if request.backing and guest.active else {}
    extents = await asyncio.to_thread(_extents, disks) if disks else {}
    at = len(params)
    index = 0
    for disk in disks:
        counters = figures.by_alias.get(disk.alias or "")
        name = disk.target.dev or ""
        if is_empty(disk):
            _one_image(params, f"block.{index}", name, 0, None, counters, None)
            index += 1
            continue
        for layer in chain(disk) if request.backing else chain(disk)[:1]:
            found = counters if layer.top else nodes.get(layer.format_node)
            size = extents.get(layer.path) if layer.path else None
            _one_image(params, f"block.{index}", name, layer.index, layer.path, found, size)
            index += 1
    count = ParamList()
    count.add_uint("block.count", index)
    params[at:at] = count


def _extents(disks: list[Disk]) -> dict[str, blocks.Extent]:
    found: dict[str, blocks.Extent] = {}
    for disk in disks:
        for path in [] if is_empty(disk) else [layer.path for layer in chain(disk)]:
            if path:
                try:
                    found[path] = blocks.extent(path)
                except OSError:
                    continue
    return found


def _one_image(
    params: ParamList,
    prefix: str,
    target: str,
    number: int,
    path: str | None,
    counters: blocks.Counters | None,
    extent: blocks.Extent | None,
) -> None:
    params.add_string(f"{prefix}.name", target)
    if number:
        params.add_uint(f"{prefix}.backingIndex", number)
    if path:
        params.add_string(f"{prefix}.path", path)
    if counters is not None:
        for name in ("rd_reqs", "rd_bytes", "rd_times", "wr_reqs", "wr_bytes", "wr_times", "fl_reqs", "fl_times"):
            params.add_ullong(f"{prefix}.{name.replace('_', '.')}", getattr(counters, name))
    _sizes(params, prefix, counters, extent)


def _sizes(params: ParamList, prefix: str, counters: blocks.Counters | None, extent: blocks.Extent | None) -> None:
    if counters is not None and counters.highest_offset is not None:
        params.add_ullong(f"{prefix}.allocation", counters.highest_offset)
    elif counters is None and extent is not None and extent.allocation:
        params.add_ullong(f"{prefix}.allocation", extent.allocation)
    capacity = counters.capacity if counters is not None else extent.physical if extent is not None else None
    if capacity:
        params.add_ullong(f"{prefix}.capacity", capacity)
    if extent is not None and extent.physical:
        params.add_ullong(f"{prefix}.physical", extent.physical)
    if counters is not None and counters.threshold:
        params.add_ullong(f"{prefix}.threshold", counters.threshold)


async def iothread(request: Request) -> None:
    if not request.guest.active or not request.guest.definition.iothreads:
        return
    reply = await request.asker.ask("query-iothreads")
    threads = [t for t in reply if str(t.get("id", "")).startswith("iothread")] if isinstance(reply, list) else []
    if not threads:
        return
    request.params.add_uint("iothread.count", len(threads))
    for thread in threads:
        number = str(thread["id"]).removeprefix("iothread")
        request.params.add_ullong(f"iothread.{number}.poll-max-ns", thread.get("poll-max-ns", 0))
        request.params.add_uint(f"iothread.{number}.poll-grow", thread.get("poll-grow", 0))
        request.params.add_uint(f"iothread.{number}.poll-shrink", thread.get("poll-shrink", 0))


_DIRTY_RATE_STATES = {"unstarted": 0, "measuring": 1, "measured": 2}


async def dirty_rate(request: Request) -> None:
    reply = await request.asker.ask("query-dirty-rate")
    if not isinstance(reply, dict):
        return
    params = request.params
    params.add_int("dirtyrate.calc_status", _DIRTY_RATE_STATES.get(str(reply.get("status")), 0))
    params.add_llong("dirtyrate.calc_start_time", reply.get("start-time", 0))
    params.add_int("dirtyrate.calc_period", reply.get("calc-time", 0))
    params.add_string("dirtyrate.calc_mode", str(reply.get("mode", "page-sampling")))
    if isinstance(reply.get("dirty-rate"), int):
        params.add_llong("dirtyrate.megabytes_per_second", reply["dirty-rate"])
    for measured in reply.get("vcpu-dirty-rate", []):
        name = f"dirtyrate.vcpu.{measured.get('id')}.megabytes_per_second"
        params.add_llong(name, measured.get("dirty-rate", 0))


Group = Callable[[Request], Awaitable[None]]

#: Groups that an inactive guest has too and that need nothing but memory, in libvirt's order.
STORED: dict[int, Callable[[Request], None]] = {
    Stats.STATE: state,
    Stats.BALLOON: balloon_stored,
    Stats.VCPU: vcpu_stored,
}


async def _state(request: Request) -> None:
    state(request)


async def _nothing(_: Request) -> None:
    """Groups that count something only where a guest is set up for it, which none here can be yet."""


GROUPS: dict[int, Group] = {
    Stats.STATE: _state,
    Stats.CPU_TOTAL: cpu,
    Stats.BALLOON: balloon,
    Stats.VCPU: vcpu,
    Stats.INTERFACE: interface,
    Stats.BLOCK: block,
    Stats.PERF: _nothing,
    Stats.IOTHREAD: iothread,
    Stats.MEMORY: _nothing,
    Stats.DIRTYRATE: dirty_rate,
    Stats.VM: vm,
}
#: Groups that only a QEMU can speak for: not to be had of an inactive guest, even where they are demanded.
NEED_QEMU = Stats.IOTHREAD | Stats.DIRTYRATE | Stats.VM
ALL = sum(GROUPS)
