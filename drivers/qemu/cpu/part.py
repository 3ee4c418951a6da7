# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API calls that compare CPUs."""

from __future__ import annotations

from drivers.common.cpu.baseline import baseline
from drivers.common.cpu.compare import check_names, compare, incompatible
from drivers.common.cpu.cpu_map import CpuMap, load_cpu_map
from drivers.common.cpu.given import GivenCpu, check_features, format_cpu, parse_cpu
from drivers.qemu.api.base import Part
from drivers.qemu.capabilities.arch import X86
from drivers.qemu.capabilities.choice import choose_emulator_for
from drivers.qemu.capabilities.model import Capabilities
from drivers.qemu.cpu.available import available_features
from drivers.qemu.cpu.host import CpuInfo, raw_cpu
from virtd.enums import ConnectBaselineCPUFlags as Baseline
from virtd.enums import ConnectCompareCPUFlags as Compare
from virtd.enums import CPUCompareResult
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg
from virtd.threads import in_thread

_COMPARE_FLAGS = Compare.FAIL_INCOMPATIBLE | Compare.VALIDATE_XML
_BASELINE_FLAGS = Baseline.EXPAND_FEATURES | Baseline.MIGRATABLE


class CpuPart(Part):
    """virConnectCompareCPU, virConnectBaselineCPU and their like for one emulator."""

    async def connect_compare_cpu(self, xml: str, flags: int) -> int:
        """virConnectCompareCPU: with the host's own CPU."""
        check_flags(flags, _COMPARE_FLAGS, "qemuConnectCompareCPU")
        return await in_thread(self._compare_with_host, parse_cpu(xml), flags)

    def _compare_with_host(self, given: GivenCpu, flags: int) -> int:
        arch = self._context.capabilities.host_arch
        cpu_map = load_cpu_map(arch)
        host = raw_cpu(CpuInfo.read(), cpu_map)
        return _compare(given, arch, set(host.features), host.vendor, cpu_map, flags)

    async def connect_compare_hypervisor_cpu(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpu: str,
        flags: int,
    ) -> int:
        """virConnectCompareHypervisorCPU: with the best CPU that an emulator gives."""
        check_flags(flags, _COMPARE_FLAGS, "qemuConnectCompareHypervisorCPU")
        caps, virt_type = await self._choose(emulator, arch, machine, virttype)
        given = parse_cpu(xml_cpu)
        facts = caps.cpu_facts(virt_type)
        if not caps.is_x86 or not facts.best:
            raise VirtError(
                Code.OPERATION_UNSUPPORTED,
                f"QEMU '{caps.path}' does not support reporting CPU model for virttype '{virt_type}'",
            )
        cpu_map = await in_thread(load_cpu_map, caps.arch)
        available = available_features(caps, virt_type, cpu_map, with_host=False)
        vendor = cpu_map.vendor_of(str(facts.best.get("vendor", "")))
        return _compare(given, caps.arch, available, vendor, cpu_map, flags)

    async def connect_baseline_cpu(self, xml_cpus: list[str], flags: int) -> str:
        """virConnectBaselineCPU."""
        check_flags(flags, _BASELINE_FLAGS, "qemuConnectBaselineCPU")
        given = [parse_cpu(xml, of_host=True) for xml in xml_cpus]
        if not given:
            raise invalid_arg("No CPUs given")
        arch = given[0].arch or ""
        return await self._baseline(given, arch, None, flags)

    async def connect_baseline_hypervisor_cpu(
        self,
        emulator: str | None,
        arch: str | None,
        machine: str | None,
        virttype: str | None,
        xml_cpus: list[str],
        flags: int,
    ) -> str:
        """virConnectBaselineHypervisorCPU."""
        check_flags(flags, _BASELINE_FLAGS, "qemuConnectBaselineHypervisorCPU")
        given = [parse_cpu(xml) for xml in xml_cpus]
        for number, one in enumerate(given):
            if one.model is None:
                raise VirtError(Code.INVALID_ARG, f"no CPU model specified at index {number}", source=From.CPU)
        caps, virt_type = await self._choose(emulator, arch, machine, virttype)
        return await self._baseline(given, caps.arch, (caps, virt_type), flags)

    async def _baseline(self, given: list[GivenCpu], arch: str, of: tuple[Capabilities, str] | None, flags: int) -> str:
        if arch not in X86:
            raise VirtError(Code.NO_SUPPORT, f"cannot compute baseline CPU of {arch} architecture", source=From.CPU)
        cpu_map = await in_thread(load_cpu_map, arch)
        facts = of[0].cpu_facts(of[1]) if of is not None else None
        unmigratable = facts.unmigratable if facts is not None else cpu_map.unmigratable
        found = baseline(
            given,
            cpu_map,
            blockers={m.name: m.blockers or () for m in facts.models} if facts is not None else None,
            expand=bool(flags & Baseline.EXPAND_FEATURES),
            without=unmigratable if flags & Baseline.MIGRATABLE else (),
        )
        return format_cpu(found)

    async def _choose(
        self, emulator: str | None, arch: str | None, machine: str | None, virttype: str | None
    ) -> tuple[Capabilities, str]:
        choice = await choose_emulator_for(self._context.capabilities, emulator, arch, machine, virttype)
        return choice.capabilities, choice.virt_type


def _compare(given: GivenCpu, arch: str, available: set[str], vendor: str | None, cpu_map: CpuMap, flags: int) -> int:
    outcome: int | str
    if given.arch is not None and not (given.arch == arch or {given.arch, arch} <= X86):
        outcome = f"CPU arch {given.arch} does not match host arch"
    elif given.model is None:
        return CPUCompareResult.SUPERSET
    else:
        check_names(given.cpu, cpu_map)
        check_features(given.cpu, cpu_map)
        outcome = compare(given.cpu, available, vendor, cpu_map)
    if isinstance(outcome, int):
        return outcome
    if flags & Compare.FAIL_INCOMPATIBLE:
        raise incompatible(outcome)
    return CPUCompareResult.INCOMPATIBLE
