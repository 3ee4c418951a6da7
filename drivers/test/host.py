# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a make-believe host tells of itself."""

from __future__ import annotations

import socket
from dataclasses import astuple

from drivers.common.cpu.baseline import baseline
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.common.cpu.given import format_cpu, parse_cpu
from drivers.test.base import Part
from drivers.test.capabilities import capabilities, cell_memory
from virtd.enums import ConnectBaselineCPUFlags
from virtd.errors import check_flags, invalid_arg
from virtd.threads import in_thread

#: Guests of this host have at most so many virtual CPUs.
MAX_VCPUS = 32
#: CPUs of the host as virNodeGetCPUMap has them: three of eight are on.
CPU_COUNT, CPUS_ONLINE = 8, (0, 2, 4)
#: Nanoseconds of all CPUs since the host was started.
CPU_TIMES = {"user": 9797400000, "kernel": 34678723400000, "idle": 87264900000, "iowait": 763600000}
#: Whose CPU models the host knows.
_X86 = ("i686", "x86_64")
#: The other architectures that there are models of elsewhere.
_OTHERS = ("aarch64", "armv7l", "ppc64", "ppc64le", "riscv64", "s390x")

SYSINFO = """\
<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
"""


class HostApi(Part):
    """virConnectGet…, virNodeGet…, virConnectBaselineCPU."""

    def connect_get_type(self) -> str:
        """virConnectGetType: libvirt's own spelling."""
        return "TEST"

    def connect_get_version(self) -> int:
        """virConnectGetVersion."""
        return 2

    def connect_get_hostname(self) -> str:
        """virConnectGetHostname."""
        return socket.gethostname()

    def connect_get_max_vcpus(self, type_: str | None) -> int:
        """virConnectGetMaxVcpus."""
        return MAX_VCPUS

    def connect_get_capabilities(self) -> str:
        """virConnectGetCapabilities."""
        return capabilities(self.world.node)

    def connect_get_sysinfo(self, flags: int) -> str:
        """virConnectGetSysinfo."""
        check_flags(flags, 0, "testConnectGetSysinfo")
        return SYSINFO

    async def connect_get_cpu_model_names(self, arch: str, flags: int) -> list[str]:
        """virConnectGetCPUModelNames."""
        check_flags(flags, 0, "testConnectGetCPUModelNames")
        if arch in _OTHERS:
            return []
        if arch not in _X86:
            raise invalid_arg(f"cannot find architecture {arch}")
        return list((await in_thread(load_cpu_map, arch)).models)

    async def connect_baseline_cpu(self, xml_cpus: list[str], flags: int) -> str:
        """virConnectBaselineCPU."""
        check_flags(flags, ConnectBaselineCPUFlags.EXPAND_FEATURES, "testConnectBaselineCPU")
        given = [parse_cpu(xml, of_host=True) for xml in xml_cpus]
        if not given or given[0].arch not in _X86:
            raise invalid_arg("No CPUs given")
        cpu_map = await in_thread(load_cpu_map, given[0].arch)
        return format_cpu(baseline(given, cpu_map, blockers=None, expand=bool(flags)))

    def node_get_info(self) -> tuple[object, ...]:
        """virNodeGetInfo."""
        return astuple(self.world.node)

    def node_get_security_model(self) -> tuple[str, str]:
        """virNodeGetSecurityModel."""
        return "testSecurity", ""

    def node_get_cpu_map(self, flags: int) -> tuple[bytes, int, int]:
        """virNodeGetCPUMap."""
        check_flags(flags, 0, "testNodeGetCPUMap")
        return sum(1 << cpu for cpu in CPUS_ONLINE).to_bytes(1, "little"), len(CPUS_ONLINE), CPU_COUNT

    def node_get_cpu_stats(self, cpu_num: int, flags: int) -> list[tuple[str, int]]:
        """virNodeGetCPUStats: the same for each."""
        check_flags(flags, 0, "testNodeGetCPUStats")
        return list(CPU_TIMES.items())

    def node_get_free_memory(self) -> int:
        """virNodeGetFreeMemory: half of it is, in bytes."""
        return sum(self._cells()) // 2

    def node_get_cells_free_memory(self, start_cell: int) -> list[int]:
        """virNodeGetCellsFreeMemory."""
        if start_cell >= self.world.node.nodes:
            raise invalid_arg("Range exceeds available cells")
        return self._cells()[start_cell:]

    def _cells(self) -> list[int]:
        return [cell_memory(cell) for cell in range(self.world.node.nodes)]

    def node_get_free_pages(self, pages: list[int], start_cell: int, cell_count: int, flags: int) -> list[int]:
        """virNodeGetFreePages: numbers that differ, so that mistaken ones show."""
        check_flags(flags, 0, "testNodeGetFreePages")
        counts, count = [], 6
        for _ in range(len(pages) * cell_count):
            count = (count * 2 + 7) % (1 << 64)
            counts.append(count)
        return counts
