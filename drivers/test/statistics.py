# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers that grow while a guest runs, all from its time: whoever reads them twice sees a rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from conf.domain.lookup import find_disk
from drivers.common.lookup import matches
from drivers.common.state import current_memory, current_vcpus
from drivers.test.base import DomainPart
from drivers.test.guest import TestGuest
from drivers.test.tuning import find_interface
from drivers.test.vcpus import POLLING
from virtd.enums import ConnectGetAllDomainStatsFlags as Flags
from virtd.enums import DomainDiskErrorCode
from virtd.enums import DomainStatsTypes as Stats
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef

#: Bytes of every image that nobody resized.
DISK_SIZE = 1 << 40
#: Bytes that it has less than it takes on the host.
_LOSS = 5177344
_FILTERS = (1 << 8) - 1
#: Parts of a guest's CPU time, as one of so many.
_VCPU_SHARE, _USER_SHARE, _SYSTEM_SHARE = 20 / 19, 8, 7


class Traffic(NamedTuple):
    """What went through an interface; the fields are those of virDomainInterfaceStats."""

    rx_bytes: int
    rx_packets: int
    rx_errs: int
    rx_drop: int
    tx_bytes: int
    tx_packets: int
    tx_errs: int
    tx_drop: int


class Requests(NamedTuple):
    """What a disk did; the fields are those of virDomainBlockStats."""

    rd_req: int
    rd_bytes: int
    wr_req: int
    wr_bytes: int
    errs: int


def _traffic(guest: TestGuest) -> Traffic:
    seconds = int(guest.seconds)
    now = int(guest.seconds * 1e6)
    return Traffic(now // 10, now // 100, seconds, seconds // 2, now // 20, now // 110, seconds // 3, seconds // 4)


def _requests(guest: TestGuest) -> Requests:
    now = int(guest.seconds * 1e6)
    return Requests(now // 10, now // 20, now // 30, now // 40, int(guest.seconds) // 2)


class StatisticsApi(DomainPart):
    """virDomainBlockStats…, virDomainGetBlockInfo, virDomainInterfaceStats, virDomainGetCPUStats, all at once."""

    def domain_block_stats(self, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        """virDomainBlockStats."""
        guest = self._running(dom)
        _check_disk(guest, path)
        return _requests(guest)

    def domain_block_stats_flags(self, dom: DomainRef, path: str, flags: int) -> list[TypedParam]:
        """virDomainBlockStatsFlags."""
        check_flags(flags, 0, "testDomainBlockStatsFlags")
        guest = self._running(dom)
        _check_disk(guest, path)
        done, params = _requests(guest), ParamList()
        params.add_llong("wr_bytes", done.wr_bytes)
        params.add_llong("wr_operations", done.wr_req)
        params.add_llong("rd_bytes", done.rd_bytes)
        params.add_llong("rd_operations", done.rd_req)
        params.add_llong("errs", done.errs)
        return params

    def domain_get_block_info(self, dom: DomainRef, path: str, flags: int) -> tuple[int, int, int]:
        """virDomainGetBlockInfo: allocation, capacity and physical size in bytes."""
        check_flags(flags, 0, "testDomainGetBlockInfo")
        guest = self._guest(dom)
        disk = find_disk(guest.definition, path)
        if disk is None:
            raise invalid_arg(f"invalid path {path} not assigned to domain")
        if not _has_image(disk):
            raise invalid_arg(f"disk '{path}' does not currently have a source assigned")
        size = guest.disk_sizes.get(disk.target.dev or "")
        return (DISK_SIZE, DISK_SIZE - _LOSS, DISK_SIZE) if size is None else (size, size, size)

    def domain_interface_stats(self, dom: DomainRef, device: str) -> tuple[int, ...]:
        """virDomainInterfaceStats; `device` is the host's name of it or its address."""
        guest = self._running(dom)
        find_interface(guest.definition, device)
        return _traffic(guest)

    def domain_get_disk_errors(self, dom: DomainRef, flags: int) -> list[tuple[str, int]]:
        """virDomainGetDiskErrors: every disk has one, the kinds in turn."""
        check_flags(flags, 0, "testDomainGetDiskErrors")
        kinds = DomainDiskErrorCode.UNSPEC, DomainDiskErrorCode.NO_SPACE
        disks = self._running(dom).definition.devices.disks
        return [(disk.target.dev or "", kinds[index % len(kinds)]) for index, disk in enumerate(disks)]

    def domain_get_cpu_stats(self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int) -> list[list[TypedParam]]:
        """virDomainGetCPUStats: the guest keeps each of its CPUs equally busy."""
        check_flags(flags, 0, "testDomainGetCPUStats")
        guest = self._running(dom)
        params, count = ParamList(), current_vcpus(guest)
        if start_cpu == -1:
            params.add_ullong("cpu_time", guest.cpu_time)
            params.add_ullong("user_time", guest.cpu_time // _USER_SHARE)
            params.add_ullong("system_time", guest.cpu_time // _SYSTEM_SHARE)
            return [params]
        if start_cpu >= count:
            raise invalid_arg(f"start_cpu {start_cpu} larger than maximum of {count - 1}")
        params.add_ullong("cpu_time", guest.cpu_time // count)
        params.add_ullong("vcpu_time", int(guest.cpu_time / count / _VCPU_SHARE))
        last = count if ncpus == 0 else min(count, start_cpu + ncpus)
        return [params] * (last - start_cpu)

    def connect_get_all_domain_stats(
        self, doms: list[DomainRef], stats: int, flags: int
    ) -> list[tuple[DomainRef, list[TypedParam]]]:
        """virConnectGetAllDomainStats."""
        check_flags(
            flags, _FILTERS | Flags.NOWAIT | Flags.BACKING | Flags.ENFORCE_STATS, "testConnectGetAllDomainStats"
        )
        if flags & Flags.ENFORCE_STATS and stats & ~sum(GROUPS):
            text = f"Stats types bits 0x{stats & ~sum(GROUPS):x} are not supported by this daemon"
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, text)
        guests = [self.guests.by_uuid(dom.uuid) for dom in doms] if doms else list(self.guests)
        wanted = [guest for guest in guests if guest is not None and matches(guest, flags & _FILTERS)]
        return [(guest.ref, _record(guest, stats or sum(GROUPS))) for guest in wanted]


def _check_disk(guest: TestGuest, path: str) -> None:
    if path and find_disk(guest.definition, path) is None:
        raise invalid_arg(f"invalid path: {path}")


def _has_image(disk: Disk) -> bool:
    source = disk.source
    return source is not None and any((source.file, source.dev, source.dir, source.name, source.volume))


def _record(guest: TestGuest, stats: int) -> list[TypedParam]:
    params = ParamList()
    for bit, group in GROUPS.items():
        if stats & bit:
            group(guest, params)
    return params


def _state(guest: TestGuest, params: ParamList) -> None:
    params.add_int("state.state", guest.state)
    params.add_int("state.reason", guest.reason)


def _cpu(guest: TestGuest, params: ParamList) -> None:
    if guest.active:
        params.add_ullong("cpu.time", guest.cpu_time)
        params.add_ullong("cpu.user", guest.cpu_time // _USER_SHARE)
        params.add_ullong("cpu.system", guest.cpu_time // _SYSTEM_SHARE)


def _balloon(guest: TestGuest, params: ParamList) -> None:
    if guest.active:
        params.add_ullong("balloon.current", current_memory(guest))
    params.add_ullong("balloon.maximum", guest.definition.memory)


def _vcpu(guest: TestGuest, params: ParamList) -> None:
    count = current_vcpus(guest)
    params.add_uint("vcpu.current", count)
    params.add_uint("vcpu.maximum", guest.definition.vcpu.count)
    for number in range(count if guest.active else 0):
        params.add_int(f"vcpu.{number}.state", 1)
        params.add_ullong(f"vcpu.{number}.time", guest.cpu_time // count)


def _interfaces(guest: TestGuest, params: ParamList) -> None:
    interfaces: list[Interface] = guest.definition.devices.interfaces if guest.active else []
    if interfaces:
        params.add_uint("net.count", len(interfaces))
    for number, interface in enumerate(interfaces):
        params.add_string(f"net.{number}.name", (interface.target.dev if interface.target else None) or "")
        for name, value in _traffic(guest)._asdict().items():
            params.add_ullong(f"net.{number}.{name.replace('_', '.')}", value)


def _blocks(guest: TestGuest, params: ParamList) -> None:
    disks = guest.definition.devices.disks
    params.add_uint("block.count", len(disks))
    for number, disk in enumerate(disks):
        params.add_string(f"block.{number}.name", disk.target.dev or "")
        if disk.source is not None and disk.source.file:
            params.add_string(f"block.{number}.path", disk.source.file)
        if guest.active:
            done = _requests(guest)
            params.add_ullong(f"block.{number}.rd.reqs", done.rd_req)
            params.add_ullong(f"block.{number}.rd.bytes", done.rd_bytes)
            params.add_ullong(f"block.{number}.wr.reqs", done.wr_req)
            params.add_ullong(f"block.{number}.wr.bytes", done.wr_bytes)
        if _has_image(disk):
            size = guest.disk_sizes.get(disk.target.dev or "", DISK_SIZE)
            for what in ("allocation", "capacity", "physical"):
                params.add_ullong(f"block.{number}.{what}", size)


def _iothreads(guest: TestGuest, params: ParamList) -> None:
    threads = guest.definition.iothreadids if guest.active else []
    if threads:
        params.add_uint("iothread.count", len(threads))
    for thread in threads:
        polling = guest.polling.get(thread.id, {})
        for name in POLLING:
            add = params.add_ullong if name == "poll_max_ns" else params.add_uint
            add(f"iothread.{thread.id}.{name.replace('_', '-')}", polling.get(name, 0))


#: Group of statistics → what adds it; the bits are those of `DomainStatsTypes`, in libvirt's order.
GROUPS: dict[int, Callable[[TestGuest, ParamList], None]] = {
    Stats.STATE: _state,
    Stats.CPU_TOTAL: _cpu,
    Stats.BALLOON: _balloon,
    Stats.VCPU: _vcpu,
    Stats.INTERFACE: _interfaces,
    Stats.BLOCK: _blocks,
    Stats.IOTHREAD: _iothreads,
}
