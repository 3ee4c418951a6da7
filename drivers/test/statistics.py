# SPDX-License-Identifier: LGPL-2.1-or-later
"""Statistics: of one subject of one domain, and of everything at once."""

from __future__ import annotations

from conf.domain.lookup import find_disk
from drivers.common.lookup import matches
from drivers.common.state import current_vcpus
from drivers.test.base import DomainPart
from drivers.test.counters import DISK_SIZE, LOSS, SYSTEM_SHARE, USER_SHARE, VCPU_SHARE, requests, traffic
from drivers.test.guest import TestGuest
from drivers.test.statgroups import GROUPS, Request, record
from drivers.test.tuning import find_interface
from virtd.enums import ConnectGetAllDomainStatsFlags as Flags
from virtd.enums import DomainDiskErrorCode
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.params import ParamList, TypedParam
from virtd.refs import DomainRef

_FILTERS = (1 << 8) - 1


class StatisticsApi(DomainPart):
    """virDomainBlockStats…, virDomainGetBlockInfo, virDomainInterfaceStats, virDomainGetCPUStats, all at once."""

    def domain_block_stats(self, dom: DomainRef, path: str) -> tuple[int, int, int, int, int]:
        """virDomainBlockStats."""
        guest = self._running(dom)
        _check_disk(guest, path)
        return requests(guest)

    def domain_block_stats_flags(self, dom: DomainRef, path: str, flags: int) -> list[TypedParam]:
        """virDomainBlockStatsFlags."""
        check_flags(flags, 0, "testDomainBlockStatsFlags")
        guest = self._running(dom)
        _check_disk(guest, path)
        done, params = requests(guest), ParamList()
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
        if disk.is_empty:
            raise invalid_arg(f"disk '{path}' does not currently have a source assigned")
        size = guest.disk_sizes.get(disk.target.dev or "")
        return (DISK_SIZE, DISK_SIZE - LOSS, DISK_SIZE) if size is None else (size, size, size)

    def domain_interface_stats(self, dom: DomainRef, device: str) -> tuple[int, ...]:
        """virDomainInterfaceStats; `device` is the host's name of it or its address."""
        guest = self._running(dom)
        find_interface(guest.definition, device)
        return traffic(guest)

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
            params.add_ullong("user_time", guest.cpu_time // USER_SHARE)
            params.add_ullong("system_time", guest.cpu_time // SYSTEM_SHARE)
            return [params]
        if start_cpu >= count:
            raise invalid_arg(f"start_cpu {start_cpu} larger than maximum of {count - 1}")
        params.add_ullong("cpu_time", guest.cpu_time // count)
        params.add_ullong("vcpu_time", int(guest.cpu_time / count / VCPU_SHARE))
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
        records = [Request(guest, ParamList(), backing=bool(flags & Flags.BACKING)) for guest in wanted]
        return [(request.guest.ref, record(request, stats or sum(GROUPS))) for request in records]


def _check_disk(guest: TestGuest, path: str) -> None:
    if path and find_disk(guest.definition, path) is None:
        raise invalid_arg(f"invalid path: {path}")
