# SPDX-License-Identifier: LGPL-2.1-or-later
"""The groups of virConnectGetAllDomainStats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from drivers.common.images.layers import Layer, chain
from drivers.common.state import current_memory, current_vcpus
from drivers.test.counters import DISK_SIZE, SYSTEM_SHARE, USER_SHARE, requests, traffic
from drivers.test.guest import TestGuest
from drivers.test.vcpus import POLLING
from virtd.enums import DomainStatsTypes as Stats
from virtd.params import ParamList, TypedParam


@dataclass(slots=True)
class Request:
    """A guest's record under construction; `backing`: images below the ones that guests work on are told of too."""

    guest: TestGuest
    params: ParamList
    backing: bool = False


def record(request: Request, stats: int) -> list[TypedParam]:
    for bit, group in GROUPS.items():
        if stats & bit:
            group(request)
    return request.params


def _state(request: Request) -> None:
    guest, params = request.guest, request.params
    params.add_int("state.state", guest.state)
    params.add_int("state.reason", guest.reason)


def _cpu(request: Request) -> None:
    guest, params = request.guest, request.params
    if guest.active:
        params.add_ullong("cpu.time", guest.cpu_time)
        params.add_ullong("cpu.user", guest.cpu_time // USER_SHARE)
        params.add_ullong("cpu.system", guest.cpu_time // SYSTEM_SHARE)


def _balloon(request: Request) -> None:
    guest, params = request.guest, request.params
    if guest.active:
        params.add_ullong("balloon.current", current_memory(guest))
    params.add_ullong("balloon.maximum", guest.definition.memory)


def _vcpu(request: Request) -> None:
    guest, params = request.guest, request.params
    count = current_vcpus(guest)
    params.add_uint("vcpu.current", count)
    params.add_uint("vcpu.maximum", guest.definition.vcpu.count)
    for number in range(count if guest.active else 0):
        params.add_int(f"vcpu.{number}.state", 1)
        params.add_ullong(f"vcpu.{number}.time", guest.cpu_time // count)


def _interfaces(request: Request) -> None:
    guest, params = request.guest, request.params
    interfaces: list[Interface] = guest.definition.devices.interfaces if guest.active else []
    if interfaces:
        params.add_uint("net.count", len(interfaces))
    for number, interface in enumerate(interfaces):
        params.add_string(f"net.{number}.name", (interface.target.dev if interface.target else None) or "")
        for name, value in traffic(guest)._asdict().items():
            params.add_ullong(f"net.{number}.{name.replace('_', '.').replace('packets', 'pkts')}", value)


def _blocks(request: Request) -> None:
    images = [
        layer
        for disk in request.guest.definition.devices.disks
        for layer in (chain(disk) if request.backing and not disk.is_empty else [disk])
    ]
    request.params.add_uint("block.count", len(images))
    for number, image in enumerate(images):
        _block(request, f"block.{number}", image)


def _block(request: Request, prefix: str, image: Disk | Layer) -> None:
    disk = image.disk if isinstance(image, Layer) else image
    params, name = request.params, disk.target.dev or ""
    params.add_string(f"{prefix}.name", name)
    if image.source is not None and image.source.local_path:
        params.add_string(f"{prefix}.path", image.source.local_path)
    if isinstance(image, Layer) and image.index:
        params.add_uint(f"{prefix}.backingIndex", image.index)
    if request.guest.active and (image is disk or (isinstance(image, Layer) and image.top)):
        done = requests(request.guest)
        params.add_ullong(f"{prefix}.rd.reqs", done.rd_req)
        params.add_ullong(f"{prefix}.rd.bytes", done.rd_bytes)
        params.add_ullong(f"{prefix}.wr.reqs", done.wr_req)
        params.add_ullong(f"{prefix}.wr.bytes", done.wr_bytes)
    if not disk.is_empty:
        size = request.guest.disk_sizes.get(name, DISK_SIZE)
        for what in ("allocation", "capacity", "physical"):
            params.add_ullong(f"{prefix}.{what}", size)


def _iothreads(request: Request) -> None:
    guest, params = request.guest, request.params
    threads = guest.definition.iothreadids if guest.active else []
    if threads:
        params.add_uint("iothread.count", len(threads))
    for thread in threads:
        polling = guest.polling.get(thread.id, {})
        for name in POLLING:
            add = params.add_ullong if name == "poll_max_ns" else params.add_uint
            add(f"iothread.{thread.id}.{name.replace('_', '-')}", polling.get(name, 0))


#: Group of statistics → what adds it; the bits are those of `DomainStatsTypes`, in libvirt's order.
GROUPS: dict[int, Callable[[Request], None]] = {
    Stats.STATE: _state,
    Stats.CPU_TOTAL: _cpu,
    Stats.BALLOON: _balloon,
    Stats.VCPU: _vcpu,
    Stats.INTERFACE: _interfaces,
    Stats.BLOCK: _blocks,
    Stats.IOTHREAD: _iothreads,
}
