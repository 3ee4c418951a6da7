# SPDX-License-Identifier: LGPL-2.1-or-later
"""The groups of virConnectGetAllDomainStats: what each asks of QEMU, and what it makes of the replies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conf.domain.devices.disk import Disk
from drivers.common import onlinecpus
from drivers.common.images.layers import chain
from drivers.qemu import cputime
from drivers.qemu.guest import Guest
from drivers.qemu.stats import blocks, kvm, memory
from drivers.qemu.stats.query import Question, Replies
from virtd.enums import DomainDirtyRateStatus, VcpuState
from virtd.enums import DomainStatsTypes as Stats
from virtd.host import netdev
from virtd.params import ParamList


@dataclass(slots=True)
class Request:
    """One guest within one call: what is known of it, and the parameters under construction.

    `backing`: every image of a disk is wanted; `extents`: images on the host, by path.
    """

    guest: Guest
    params: ParamList
    replies: Replies = field(default_factory=dict)
    extents: dict[str, blocks.Extent] = field(default_factory=dict)
    backing: bool = False


def state(request: Request) -> None:
    request.params.add_int("state.state", request.guest.state)
    request.params.add_int("state.reason", request.guest.reason)


def cpu(request: Request) -> None:
    if not request.guest.active:
        return
    used, params = cputime.total(request.guest), request.params
    params.add_ullong("cpu.time", used.time)
    params.add_ullong("cpu.user", used.user)
    params.add_ullong("cpu.system", used.system)
    params.add_uint("cpu.cache.monitor.count", 0)
    vcpus = kvm.figures(request.replies, kvm.VCPUS).values()
    for way in ("success", "fail"):
        polled = sum(figures.get(f"halt_poll_{way}_ns", 0) for figures in vcpus)
        params.add_ullong(f"cpu.haltpoll.{way}.time", polled)


def balloon(request: Request) -> None:
    definition, params = request.guest.definition, request.params
    told = memory.statistics(request.guest, request.replies) if request.guest.active else {}
    params.add_ullong("balloon.current", told.pop("actual", definition.current_memory or definition.memory))
    params.add_ullong("balloon.maximum", definition.memory)
    for name, value in told.items():
        params.add_ullong(f"balloon.{name}", value)


def vcpu(request: Request) -> None:
    guest, params, runtime = request.guest, request.params, request.guest.runtime
    params.add_uint("vcpu.current", onlinecpus.count(guest.definition))
    params.add_uint("vcpu.maximum", guest.definition.vcpu.count)
    if runtime is None or runtime.process is None:
        return
    counted = kvm.figures(request.replies, kvm.VCPUS)
    pid, threads = runtime.process.pid, runtime.vcpu_threads
    for index in onlinecpus.online(guest.definition):
        params.add_int(f"vcpu.{index}.state", VcpuState.RUNNING)
        if index in threads:
            params.add_ullong(f"vcpu.{index}.time", cputime.thread(pid, threads[index]).time)
            params.add_ullong(f"vcpu.{index}.wait", 0)
            params.add_ullong(f"vcpu.{index}.delay", cputime.schedule(pid, threads[index])[1])
        kvm.add(params, f"vcpu.{index}", counted.get(runtime.vcpu_paths.get(index, ""), {}), request.replies)


def vm(request: Request) -> None:
    for figures in kvm.figures(request.replies, kvm.MACHINE).values():
        kvm.add(request.params, "vm", figures, request.replies)


def interface(request: Request) -> None:
    if not request.guest.active:
        return
    cards, params = request.guest.definition.devices.interfaces, request.params
    params.add_uint("net.count", len(cards))
    for index, card in enumerate(cards):
        name = card.target.dev if card.target is not None else None
        if name:
            params.add_string(f"net.{index}.name", name)
            _add_traffic(params, f"net.{index}", name)


def _add_traffic(params: ParamList, prefix: str, name: str) -> None:
    """The counters of a host device; what the host sends into it is what the guest receives."""
    try:
        counted = netdev.counters(name)
    except OSError:
        return
    for way, values in (("rx", counted[4:]), ("tx", counted[:4])):
        for what, value in zip(("bytes", "pkts", "errs", "drop"), values, strict=True):
            params.add_ullong(f"{prefix}.{way}.{what}", value)


def block(request: Request) -> None:
    front, nodes = blocks.by_alias(request.replies), blocks.by_node(request.replies)
    thresholds = blocks.thresholds(request.replies)
    images, index = ParamList(), 0
    for disk in request.guest.definition.devices.disks:
        name, counters = disk.target.dev or "", front.get(disk.alias or "")
        if disk.is_empty:
            _one_image(images, f"block.{index}", name, 0, None, counters, None)
            index += 1
            continue
        for layer in chain(disk) if request.backing else chain(disk)[:1]:
            found = counters if layer.top else nodes.get(layer.format_node)
            size = request.extents.get(layer.path) if layer.path else None
            _one_image(images, f"block.{index}", name, layer.index, layer.path, found, size, traffic=layer.top)
            if layer.storage_node in thresholds:
                images.add_ullong(f"block.{index}.threshold", thresholds[layer.storage_node])
            index += 1
    request.params.add_uint("block.count", index)
    request.params.extend(images)


def extents(disks: list[Disk]) -> dict[str, blocks.Extent]:
    """Look at the images of all disks; those that cannot be looked at are left out.  Blocks."""
    found: dict[str, blocks.Extent] = {}
    for layer in (layer for disk in disks if not disk.is_empty for layer in chain(disk)):
        if layer.path:
            try:
                found[layer.path] = blocks.extent(layer.path, layer.format)
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
    *,
    traffic: bool = True,
) -> None:
    """`traffic`: the guest's requests, which QEMU counts at the top image alone."""
    params.add_string(f"{prefix}.name", target)
    if path:
        params.add_string(f"{prefix}.path", path)
    if number:
        params.add_uint(f"{prefix}.backingIndex", number)
    if counters is not None and traffic:
        for name in ("rd_reqs", "rd_bytes", "rd_times", "wr_reqs", "wr_bytes", "wr_times", "fl_reqs", "fl_times"):
            params.add_ullong(f"{prefix}.{name.replace('_', '.')}", getattr(counters, name))
    _sizes(params, prefix, counters, extent)


def _sizes(params: ParamList, prefix: str, counters: blocks.Counters | None, extent: blocks.Extent | None) -> None:
    if counters is not None and counters.highest_offset is not None:
        params.add_ullong(f"{prefix}.allocation", counters.highest_offset)
    elif counters is None and extent is not None and extent.allocation:
        params.add_ullong(f"{prefix}.allocation", extent.allocation)
    capacity = counters.capacity if counters is not None else extent.capacity if extent is not None else None
    if capacity:
        params.add_ullong(f"{prefix}.capacity", capacity)
    physical = (counters.physical if counters is not None else None) or (extent.physical if extent is not None else 0)
    if physical:
        params.add_ullong(f"{prefix}.physical", physical)


def iothread(request: Request) -> None:
    threads = [t for t in request.replies.get("iothreads", ()) if str(t.get("id", "")).startswith("iothread")]
    if not threads:
        return
    params = request.params
    params.add_uint("iothread.count", len(threads))
    for thread in threads:
        number = str(thread["id"]).removeprefix("iothread")
        params.add_ullong(f"iothread.{number}.poll-max-ns", thread.get("poll-max-ns", 0))
        params.add_uint(f"iothread.{number}.poll-grow", thread.get("poll-grow", 0))
        params.add_uint(f"iothread.{number}.poll-shrink", thread.get("poll-shrink", 0))


_DIRTY_RATE_STATES = {
    "unstarted": DomainDirtyRateStatus.UNSTARTED,
    "measuring": DomainDirtyRateStatus.MEASURING,
    "measured": DomainDirtyRateStatus.MEASURED,
}


def dirty_rate(request: Request) -> None:
    reply, params = request.replies.get("dirty-rate"), request.params
    if not isinstance(reply, dict):
        return
    params.add_int("dirtyrate.calc_status", _DIRTY_RATE_STATES.get(str(reply.get("status")), 0))
    params.add_llong("dirtyrate.calc_start_time", reply.get("start-time", 0))
    params.add_int("dirtyrate.calc_period", reply.get("calc-time", 0))
    params.add_string("dirtyrate.calc_mode", str(reply.get("mode", "page-sampling")))
    if isinstance(reply.get("dirty-rate"), int):
        params.add_llong("dirtyrate.megabytes_per_second", reply["dirty-rate"])
    for measured in reply.get("vcpu-dirty-rate", ()):
        name = f"dirtyrate.vcpu.{measured.get('id')}.megabytes_per_second"
        params.add_llong(name, measured.get("dirty-rate", 0))


def _nothing(_: Request) -> None:
    """Groups that count something only where a guest is set up for it, which none here can be yet."""


#: `virDomainStatsTypes` → what makes its parameters, in libvirt's order.
GROUPS: dict[int, Callable[[Request], None]] = {
    Stats.STATE: state,
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


def questions(guest: Guest, stats: int, *, backing: bool) -> list[Question]:
    """What QEMU has to be asked for these groups, each question once."""
    definition, asked = guest.definition, dict[str, Question]()

    def want(groups: int, *wanted: Question) -> None:
        if stats & groups:
            asked.update((question.key, question) for question in wanted)

    want(Stats.BALLOON, *memory.questions(guest))
    if definition.devices.disks:
        want(Stats.BLOCK, blocks.FRONT_ENDS, blocks.NODES, *([blocks.NODE_STATS] if backing else []))
    if definition.iothreads:
        want(Stats.IOTHREAD, Question("iothreads", "query-iothreads"))
    want(Stats.DIRTYRATE, Question("dirty-rate", "query-dirty-rate"))
    if kvm.is_used(guest):
        want(Stats.VCPU | Stats.CPU_TOTAL, kvm.VCPUS)
        want(Stats.VM, kvm.MACHINE)
        want(Stats.VCPU | Stats.VM, kvm.SCHEMAS)
    return list(asked.values())
