# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual CPUs: how many, and on which CPUs of the host."""

from __future__ import annotations

import os

from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain import Domain
from conf.domain.cputune import CPUTune, EmulatorPin, VcpuPin
from drivers.common import onlinecpus
from drivers.common.cpumaps import cpumap_of, cpus_of
from drivers.common.part import IMPACT, definition, definitions, require_one_impact
from drivers.qemu import cputime, pinning
from drivers.qemu.api.base import Part
from drivers.qemu.api.power import agent_missing
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import vcpus as hotplug
from virtd.enums import DomainEventID, VcpuState
from virtd.enums import DomainVcpuFlags as Flags
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import TypedParam
from virtd.refs import DomainRef

_FLAGS = IMPACT | Flags.MAXIMUM | Flags.GUEST


class VcpuApi(Part):
    """virDomainGetVcpus…, virDomainSetVcpus…, virDomainPin…, virDomainGet…PinInfo."""

    def domain_get_vcpus_flags(self, dom: DomainRef, flags: int) -> int:
        """virDomainGetVcpusFlags."""
        require_one_impact(flags)
        check_flags(flags, _FLAGS, "qemuDomainGetVcpusFlags")
        guest = self._guest(dom)
        found = definition(guest, flags)
        if flags & Flags.GUEST:
            if not guest.active:
                text = "vCPU count provided by the guest agent can only be requested for live domains"
                raise invalid_arg(text)
            raise agent_missing(guest)
        return found.vcpu.count if flags & Flags.MAXIMUM else onlinecpus.count(found)

    async def domain_set_vcpus_flags(self, dom: DomainRef, nvcpus: int, flags: int) -> None:
        """virDomainSetVcpusFlags."""
        check_flags(flags, _FLAGS | Flags.HOTPLUGGABLE, "qemuDomainSetVcpusFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            if flags & Flags.GUEST:
                raise agent_missing(guest)
            if flags & Flags.MAXIMUM:
                if live is not None:
                    text = "maximum vcpu count of a live domain can't be modified"
                    raise VirtError(Code.OPERATION_UNSUPPORTED, text)
                assert stored is not None
                _check_topology(stored, nvcpus)
                onlinecpus.set_maximum(stored, nvcpus)
            else:
                _check_count(live, "live", nvcpus)
                _check_count(stored, "persistent", nvcpus)
                if live is not None:
                    await hotplug.set_count(guest, nvcpus)
                if stored is not None:
                    onlinecpus.set_count(stored, nvcpus, hotpluggable=bool(flags & Flags.HOTPLUGGABLE))
            await guest.save(live, stored)

    def domain_get_vcpus(self, dom: DomainRef) -> list[tuple[int, int, int, int, bytes]]:
        """virDomainGetVcpus: number, state, CPU time (ns), host CPU, host CPUs allowed."""
        guest = self._guest(dom)
        if not guest.active or guest.runtime is None or guest.runtime.process is None:
            raise operation_invalid("cannot retrieve vcpu information for inactive domain")
        pid, threads = guest.runtime.process.pid, guest.runtime.vcpu_threads
        return [_vcpu(pid, number, threads.get(number)) for number in onlinecpus.online(guest.definition)]

    def domain_get_vcpu_pin_info(self, dom: DomainRef, flags: int) -> list[bytes]:
        """virDomainGetVcpuPinInfo."""
        check_flags(flags, IMPACT, "qemuDomainGetVcpuPinInfo")
        found = definition(self._guest(dom), flags)
        pins = {pin.vcpu: pin.cpuset for pin in found.cputune.vcpupins} if found.cputune else {}
        return [cpumap_of(_allowed(pins.get(number) or found.vcpu.cpuset)) for number in range(found.vcpu.count)]

    def domain_get_emulator_pin_info(self, dom: DomainRef, flags: int) -> bytes:
        """virDomainGetEmulatorPinInfo."""
        check_flags(flags, IMPACT, "qemuDomainGetEmulatorPinInfo")
        found = definition(self._guest(dom), flags)
        pin = found.cputune.emulatorpin if found.cputune else None
        return cpumap_of(_allowed(pin.cpuset if pin is not None else found.vcpu.cpuset))

    async def domain_pin_vcpu_flags(self, dom: DomainRef, vcpu: int, cpumap: bytes, flags: int) -> None:
        """virDomainPinVcpuFlags."""
        check_flags(flags, IMPACT, "qemuDomainPinVcpuFlags")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            if stored is not None and vcpu >= stored.vcpu.count:
                raise invalid_arg(f"vcpu {vcpu} is out of range of persistent cpu count {onlinecpus.count(stored)}")
            if live is not None and vcpu >= live.vcpu.count:
                raise invalid_arg(f"vcpu {vcpu} is out of range of live cpu count {live.vcpu.count}")
            cpus = _cpus(cpumap)
            if live is not None and guest.runtime is not None and vcpu in guest.runtime.vcpu_threads:
                pinning.pin_thread(guest.runtime.vcpu_threads[vcpu], cpus)
            if live is not None:
                _tell_pin(guest, f"vcpupin{vcpu}", cpus)
            for changed in (live, stored):
                if changed is not None:
                    _store_vcpu_pin(changed, vcpu, format_bitmap(cpus))
            await guest.save(live, stored)

    async def domain_pin_emulator(self, dom: DomainRef, cpumap: bytes, flags: int) -> None:
        """virDomainPinEmulator."""
        check_flags(flags, IMPACT, "qemuDomainPinEmulator")
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            cpus = _cpus(cpumap)
            if live is not None:
                pinning.pin_emulator(guest, cpus)
                _tell_pin(guest, "emulatorpin", cpus)
            for changed in (live, stored):
                if changed is not None:
                    changed.cputune = changed.cputune or CPUTune()
                    changed.cputune.emulatorpin = EmulatorPin(cpuset=format_bitmap(cpus))
            await guest.save(live, stored)


def _check_count(found: Domain | None, which: str, wanted: int) -> None:
    if found is not None and wanted > found.vcpu.count:
        text = (
            f"requested vcpus is greater than max allowable vcpus for the {which} domain: {wanted} > {found.vcpu.count}"
        )
        raise invalid_arg(text)


def _check_topology(stored: Domain, wanted: int) -> None:
    if stored.cpu is not None and stored.cpu.topology is not None:
        topology = stored.cpu.topology
        product = (topology.sockets or 1) * (topology.dies or 1) * (topology.cores or 1) * (topology.threads or 1)
        if product != wanted:
            raise invalid_arg("CPU topology doesn't match the desired vcpu count")


def _vcpu(pid: int, number: int, thread: int | None) -> tuple[int, int, int, int, bytes]:
    if thread is None:
        return number, VcpuState.RUNNING, 0, 0, cpumap_of(os.sched_getaffinity(pid))
    used = cputime.thread(pid, thread)
    return number, VcpuState.RUNNING, used.time, used.processor, cpumap_of(_affinity(thread))


def _affinity(thread: int) -> set[int]:
    try:
        return os.sched_getaffinity(thread)
    except ProcessLookupError:
        return set()


def _allowed(cpuset: str | None) -> set[int]:
    return parse_bitmap(cpuset) if cpuset else set(range(os.cpu_count() or 1))


def _cpus(cpumap: bytes) -> set[int]:
    cpus = cpus_of(cpumap)
    if not cpus:
        raise invalid_arg("Empty cpu list for pinning")
    return cpus


def _tell_pin(guest: Guest, what: str, cpus: set[int]) -> None:
    guest.emit(DomainEventID.TUNABLE, [TypedParam(f"cputune.{what}", T.STRING, format_bitmap(cpus))])


def _store_vcpu_pin(changed: Domain, vcpu: int, cpuset: str) -> None:
    changed.cputune = changed.cputune or CPUTune()
    pins = [pin for pin in changed.cputune.vcpupins if pin.vcpu != vcpu]
    changed.cputune.vcpupins = sorted([*pins, VcpuPin(vcpu=vcpu, cpuset=cpuset)], key=lambda pin: pin.vcpu)
