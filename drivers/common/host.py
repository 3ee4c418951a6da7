# SPDX-License-Identifier: LGPL-2.1-or-later
"""What drivers of hypervisors on this host answer about the host."""

from __future__ import annotations

import asyncio
import socket

from virtd.enums import NodeAllocPagesFlags
from virtd.enums import TypedParameterType as T
from virtd.errors import ArgumentError, Code, From, VirtError, check_flags
from virtd.host.node import PAGE_SIZE, Node, NodeInfo
from virtd.params import ParamList, TypedParam, validate_params

#: Seconds that the host's name may take to look up.
RESOLVE_TIMEOUT = 3.0

#: Parameter → its type, its file, and whether it can be set.
_KSM = {
    "shm_pages_to_scan": (T.UINT, "pages_to_scan", True),
    "shm_sleep_millisecs": (T.UINT, "sleep_millisecs", True),
    "shm_pages_shared": (T.ULLONG, "pages_shared", False),
    "shm_pages_sharing": (T.ULLONG, "pages_sharing", False),
    "shm_pages_unshared": (T.ULLONG, "pages_unshared", False),
    "shm_pages_volatile": (T.ULLONG, "pages_volatile", False),
    "shm_full_scans": (T.ULLONG, "full_scans", False),
    "shm_merge_across_nodes": (T.UINT, "merge_across_nodes", True),
}


def _no_flags(flags: int, function: str) -> None:
    """These functions know none; they are the host's and not a driver's, which shows in their errors."""
    if flags:
        raise ArgumentError(
            function, "flags", f"unsupported flags (0x{flags:x}) in function {function}", source=From.NONE
        )


def _only_minus_one(api: str, argument: str) -> VirtError:
    text = f"{argument} in {api} only accepts -1 as a negative value"
    return ArgumentError(api, argument, text, source=From.DOMAIN)


def _no_page_size(size: int, cell: int | None) -> VirtError:
    where = "" if cell is None else f" on node {cell}"
    return VirtError(Code.OPERATION_FAILED, f"page size {size} is not available{where}", source=From.NONE)


class HostApi:
    """The methods `node_*` and `connect_get_hostname`; part of a driver."""

    def __init__(self, node: Node | None = None) -> None:
        self._node = node or Node()

    async def connect_get_hostname(self) -> str:
        """virConnectGetHostname: the full name where it can be found out."""
        name = socket.gethostname()
        if "." in name or name.startswith("localhost"):
            return name
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                found = await asyncio.get_running_loop().getaddrinfo(name, None, flags=socket.AI_CANONNAME)
        except (OSError, TimeoutError):
            return name
        full = found[0][3] if found else ""
        return name if not full or full.startswith("localhost") else full

    def node_get_info(self) -> NodeInfo:
        """virNodeGetInfo."""
        return self._node.info()

    def node_get_cpu_map(self, flags: int) -> tuple[bytes, int, int]:
        """virNodeGetCPUMap: a bit for each processor that is on, their number, and the number of all."""
        _no_flags(flags, "virHostCPUGetMap")
        online, present = self._node.online_cpus(), self._node.present_cpus()
        bits = sum(1 << cpu for cpu in online)
        return bits.to_bytes((len(present) + 7) // 8, "little"), len(online), len(present)

    def node_get_cpu_stats(self, cpu_num: int, flags: int) -> list[tuple[str, int]]:
        """virNodeGetCPUStats: nanoseconds in each way; -1 for all processors together."""
        _no_flags(flags, "virHostCPUGetStats")
        if cpu_num < -1:
            raise _only_minus_one("virNodeGetCPUStats", "cpuNum")
        times = self._node.cpu_times(None if cpu_num == -1 else cpu_num)
        if times is None:
            function = "virHostCPUGetStatsLinux"
            raise ArgumentError(function, "cpuNum", f"Invalid cpuNum in {function}", source=From.NONE)
        return times

    def node_get_memory_stats(self, cell_num: int, flags: int) -> list[tuple[str, int]]:
        """virNodeGetMemoryStats: KiB of each kind; -1 for the whole host."""
        _no_flags(flags, "virHostMemGetStats")
        if cell_num < -1:
            raise _only_minus_one("virNodeGetMemoryStats", "cellNum")
        last = max(self._node.cells())
        if cell_num > last:
            text = f"cellNum in virHostMemGetStats must be less than or equal to {last}"
            raise ArgumentError("virHostMemGetStats", "cellNum", text, source=From.NONE)
        return self._node.memory_stats(None if cell_num == -1 else cell_num)

    def node_get_free_memory(self) -> int:
        """virNodeGetFreeMemory, in bytes."""
        return self._node.free_memory()

    def node_get_cells_free_memory(self, start_cell: int) -> list[int]:
        """virNodeGetCellsFreeMemory, in bytes, from `start_cell` on."""
        return [self._node.cell_free_memory(cell) for cell in self._cells_from(start_cell)]

    def node_get_free_pages(self, pages: list[int], start_cell: int, cell_count: int, flags: int) -> list[int]:
        """virNodeGetFreePages: for each cell, for each size in KiB; cell -1 is the whole host."""
        check_flags(flags, 0, "virNodeGetFreePages")
        cells = [None] if start_cell == -1 else self._cells_from(start_cell)[:cell_count]
        return [self._free_pages(size, cell) for cell in cells for size in pages]

    def node_alloc_pages(
        self, page_sizes: list[int], page_counts: list[int], start_cell: int, cell_count: int, flags: int
    ) -> int:
        """virNodeAllocPages: change how many huge pages of each size (KiB) are set apart; returns how many pools that is."""
        check_flags(flags, NodeAllocPagesFlags.SET, "virNodeAllocPages")
        cells = [None] if start_cell == -1 else self._cells_from(start_cell)[:cell_count]
        for cell in cells:
            for size, count in zip(page_sizes, page_counts, strict=True):
                self._set_pool(size, cell, count, add=not flags & NodeAllocPagesFlags.SET)
        return len(cells) * len(page_sizes)

    def _set_pool(self, size: int, cell: int | None, count: int, *, add: bool) -> None:
        if size * 1024 == PAGE_SIZE:
            raise VirtError(Code.OPERATION_UNSUPPORTED, "system pages pool can't be modified", source=From.NONE)
        before = self._node.huge_pages(size, cell)
        if before is None:
            raise _no_page_size(size, cell)
        wanted = before + count if add else count
        try:
            self._node.set_huge_pages(size, cell, wanted)
        except OSError as error:
            text = f"Unable to write to the pool of {size} KiB pages: {error.strerror}"
            raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE, ints=(error.errno or 0, -1)) from error
        got = self._node.huge_pages(size, cell) or 0
        if got < wanted:
            text = f"Unable to allocate {count} pages. Allocated only {got - before if add else got}"
            raise VirtError(Code.OPERATION_FAILED, text, source=From.NONE)

    def _free_pages(self, size: int, cell: int | None) -> int:
        count = self._node.free_pages(size, cell)
        if count is None:
            raise _no_page_size(size, cell)
        return count

    def _cells_from(self, start: int) -> list[int]:
        cells = self._node.cells()
        if not 0 <= start <= cells[-1]:
            text = f"start cell {start} out of range (0-{cells[-1]})"
            raise VirtError(Code.INTERNAL_ERROR, text, source=From.NONE)
        return [cell for cell in cells if cell >= start]

    def node_get_memory_parameters(self, flags: int) -> list[TypedParam]:
        """virNodeGetMemoryParameters: how the kernel merges equal pages."""
        _no_flags(flags, "virHostMemGetParameters")
        params = ParamList()
        for field, (type_, file, _) in _KSM.items():
            if (value := self._node.ksm(file)) is not None:
                params.append(TypedParam(field, type_, value))
        return params

    def node_set_memory_parameters(self, params: list[TypedParam], flags: int) -> None:
        """virNodeSetMemoryParameters.

        Raises:
            VirtError: SYSTEM_ERROR: the kernel refuses.
        """
        _no_flags(flags, "virHostMemSetParameters")
        settable = {field: int(type_) for field, (type_, _, can_be_set) in _KSM.items() if can_be_set}
        for field, value in validate_params(params, settable).items():
            file = _KSM[field][1]
            try:
                self._node.set_ksm(file, int(value))
            except OSError as error:
                text = f"failed to set {field}: {error.strerror}"
                raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE, ints=(error.errno or 0, -1)) from error

    def node_get_security_model(self) -> tuple[str, str]:
        """virNodeGetSecurityModel: guests here have no labels that a kernel enforces."""
        return "none", "0"
