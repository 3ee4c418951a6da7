# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual CPUs and I/O threads: how many, and on which CPUs of the host."""

from __future__ import annotations

from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain import Domain
from conf.domain.cputune import CPUTune, EmulatorPin, IOThreadID, IOThreadPin, VcpuPin
from drivers.common.cpumaps import cpumap_of, cpus_of
from drivers.common.part import IMPACT, definition
from drivers.common.state import current_vcpus
from drivers.test.base import DomainPart
from drivers.test.host import CPU_COUNT, MAX_VCPUS
from virtd.enums import DomainVcpuFlags as Flags
from virtd.enums import TypedParameterType as T
from virtd.enums import VcpuState
from virtd.errors import Code, From, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import TypedParam, validate_params
from virtd.refs import DomainRef

_IOTHREAD_PARAMS = {
    "poll_max_ns": T.ULLONG,
    "poll_grow": T.UINT,
    "poll_shrink": T.UINT,
    "thread_pool_min": T.INT,
    "thread_pool_max": T.INT,
}
#: Those of them that a running thread has and the definition does not.
POLLING = ("poll_max_ns", "poll_grow", "poll_shrink")


class VcpuApi(DomainPart):
    """virDomain…Vcpus…, virDomainPin…, virDomainGet…PinInfo."""

    def domain_get_vcpus_flags(self, dom: DomainRef, flags: int) -> int:
        """virDomainGetVcpusFlags."""
        check_flags(flags, IMPACT | Flags.MAXIMUM, "testDomainGetVcpusFlags")
        vcpu = definition(self._guest(dom), flags).vcpu
        return vcpu.count if flags & Flags.MAXIMUM or vcpu.current is None else vcpu.current

    def domain_set_vcpus_flags(self, dom: DomainRef, nvcpus: int, flags: int) -> None:
        """virDomainSetVcpusFlags."""
        check_flags(flags, IMPACT | Flags.MAXIMUM, "testDomainSetVcpusFlags")
        if nvcpus > MAX_VCPUS:
            raise invalid_arg(f"requested cpu amount exceeds maximum supported amount ({nvcpus} > {MAX_VCPUS})")
        changed = self._changed(dom, flags)
        for vcpu in [found.vcpu for found in changed]:
            if nvcpus > vcpu.count and not flags & Flags.MAXIMUM:
                raise invalid_arg(f"requested cpu amount exceeds maximum ({nvcpus} > {vcpu.count})")
        for vcpu in [found.vcpu for found in changed]:
            current = vcpu.count if vcpu.current is None else vcpu.current
            if flags & Flags.MAXIMUM:
                vcpu.count, wanted = nvcpus, min(current, nvcpus)
            else:
                wanted = nvcpus
            vcpu.current = None if wanted == vcpu.count else wanted

    def domain_get_vcpus(self, dom: DomainRef) -> list[tuple[int, int, int, int, bytes]]:
        """virDomainGetVcpus: number, state, CPU time (ns), host CPU, host CPUs allowed."""
        guest = self._guest(dom)
        if guest.live is None:
            raise operation_invalid("cannot list vcpus for an inactive domain")
        pins = _vcpu_pins(guest.live)
        time = guest.cpu_time // max(1, current_vcpus(guest))  # a definition may have none
        return [
            (number, VcpuState.RUNNING, time, max(cpus, default=-1), cpumap_of(cpus))
            for number, cpus in enumerate(pins[: current_vcpus(guest)])
        ]

    def domain_get_vcpu_pin_info(self, dom: DomainRef, flags: int) -> list[bytes]:
        """virDomainGetVcpuPinInfo."""
        check_flags(flags, IMPACT, "testDomainGetVcpuPinInfo")
        return [cpumap_of(cpus) for cpus in _vcpu_pins(definition(self._guest(dom), flags))]

    def domain_pin_vcpu_flags(self, dom: DomainRef, vcpu: int, cpumap: bytes, flags: int) -> None:
        """virDomainPinVcpuFlags."""
        check_flags(flags, IMPACT, "testDomainPinVcpuFlags")
        changed = self._changed(dom, flags)
        for found in changed:
            if vcpu >= found.vcpu.count:
                raise invalid_arg(f"requested vcpu '{vcpu}' is not present in the domain")
        for tune in map(_cputune, changed):
            kept = [pin for pin in tune.vcpupins if pin.vcpu != vcpu]
            new = VcpuPin(vcpu=vcpu, cpuset=_cpuset(cpumap))
            tune.vcpupins = sorted([*kept, new], key=lambda pin: pin.vcpu)

    def domain_get_emulator_pin_info(self, dom: DomainRef, flags: int) -> bytes:
        """virDomainGetEmulatorPinInfo."""
        check_flags(flags, IMPACT, "testDomainGetEmulatorPinInfo")
        found = definition(self._guest(dom), flags)
        pin = found.cputune.emulatorpin if found.cputune else None
        return cpumap_of(_allowed(pin.cpuset if pin else found.vcpu.cpuset))

    def domain_pin_emulator(self, dom: DomainRef, cpumap: bytes, flags: int) -> None:
        """virDomainPinEmulator."""
        check_flags(flags, IMPACT, "testDomainPinEmulator")
        for tune in map(_cputune, self._changed(dom, flags)):
            tune.emulatorpin = EmulatorPin(cpuset=_cpuset(cpumap))


class IOThreadApi(DomainPart):
    """virDomain…IOThread…."""

    def domain_get_iothread_info(self, dom: DomainRef, flags: int) -> list[tuple[int, bytes]]:
        """virDomainGetIOThreadInfo: numbers, and the CPUs of the host."""
        check_flags(flags, IMPACT, "testDomainGetIOThreadInfo")
        found = definition(self._guest(dom), flags)
        pins = {pin.iothread: pin.cpuset for pin in found.cputune.iothreadpins} if found.cputune else {}
        return [
            (thread.id, cpumap_of(_allowed(pins.get(thread.id) or found.vcpu.cpuset))) for thread in found.iothreadids
        ]

    def domain_add_iothread(self, dom: DomainRef, iothread_id: int, flags: int) -> None:
        """virDomainAddIOThread."""
        check_flags(flags, IMPACT, "testDomainAddIOThread")
        changed = self._changed(dom, flags)
        if any(thread.id == iothread_id for found in changed for thread in found.iothreadids):
            raise _refused(f"an IOThread is already using iothread_id '{iothread_id}'")
        for found in changed:
            found.iothreadids.append(IOThreadID(id=iothread_id))
            found.iothreads = len(found.iothreadids)

    def domain_del_iothread(self, dom: DomainRef, iothread_id: int, flags: int) -> None:
        """virDomainDelIOThread."""
        check_flags(flags, IMPACT, "testDomainDelIOThread")
        changed = self._changed(dom, flags)
        for found in changed:
            _thread(found, iothread_id, f"cannot find IOThread '{iothread_id}' in iothreadids list", From.DOMAIN)
        for found in changed:
            found.iothreadids = [thread for thread in found.iothreadids if thread.id != iothread_id]
            found.iothreads = len(found.iothreadids) or None
            tune = _cputune(found)
            tune.iothreadpins = [pin for pin in tune.iothreadpins if pin.iothread != iothread_id]
        self._guest(dom).polling.pop(iothread_id, None)

    def domain_pin_iothread(self, dom: DomainRef, iothreads_id: int, cpumap: bytes, flags: int) -> None:
        """virDomainPinIOThread."""
        check_flags(flags, IMPACT, "testDomainPinIOThread")
        changed = self._changed(dom, flags)
        for found in changed:
            _thread(found, iothreads_id, f"iothreadid {iothreads_id} not found")
        for tune in map(_cputune, changed):
            kept = [pin for pin in tune.iothreadpins if pin.iothread != iothreads_id]
            tune.iothreadpins = [*kept, IOThreadPin(iothread=iothreads_id, cpuset=_cpuset(cpumap))]

    def domain_set_iothread_params(
        self, dom: DomainRef, iothread_id: int, params: list[TypedParam], flags: int
    ) -> None:
        """virDomainSetIOThreadParams: of running threads."""
        check_flags(flags, IMPACT, "testDomainSetIOThreadParams")
        given = validate_params(params, _IOTHREAD_PARAMS)
        for found in self._changed(dom, flags):
            thread = _thread(found, iothread_id, f"cannot find IOThread '{iothread_id}' in iothreadids")
            for name in given.keys() - POLLING:
                setattr(thread, name, int(given[name]))
        polling = self._guest(dom).polling.setdefault(iothread_id, dict.fromkeys(POLLING, 0))
        polling.update({name: int(given[name]) for name in POLLING if name in given})


def _thread(found: Domain, number: int, missing: str, source: From | None = None) -> IOThreadID:
    for thread in found.iothreadids:
        if thread.id == number:
            return thread
    raise VirtError(Code.INVALID_ARG, missing, source=source)


def _refused(text: str) -> VirtError:
    return VirtError(Code.INVALID_ARG, text, source=From.DOMAIN)


def _cputune(found: Domain) -> CPUTune:
    found.cputune = found.cputune or CPUTune()
    return found.cputune


def _vcpu_pins(found: Domain) -> list[set[int]]:
    """The CPUs of the host that each virtual CPU may run on."""
    pins = {pin.vcpu: pin.cpuset for pin in found.cputune.vcpupins} if found.cputune else {}
    return [_allowed(pins.get(number) or found.vcpu.cpuset) for number in range(found.vcpu.count)]


def _allowed(cpuset: str | None) -> set[int]:
    return parse_bitmap(cpuset) if cpuset else set(range(CPU_COUNT))


def _cpuset(cpumap: bytes) -> str:
    cpus = cpus_of(cpumap) & set(range(CPU_COUNT))
    if not cpus:
        raise invalid_arg("Empty cpu list for pinning")
    return format_bitmap(cpus)
