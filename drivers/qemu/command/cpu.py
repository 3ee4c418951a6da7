# SPDX-License-Identifier: LGPL-2.1-or-later
"""-cpu: the model, its features, and what the hypervisor tells the guest of itself.

A model of the host's has been named before (`drivers.qemu.cpu.guest.settle_cpu`).
"""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain.clock import Clock
from conf.domain.cpu import CPU, CPUFeature
from conf.domain.features import Features, HyperV
from drivers.qemu.capabilities.arch import PPC64, X86
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Option, on_off
from drivers.qemu.cpu.names import qemu_feature
from virtd.errors import Code, VirtError

#: Features of hosts that no guest is given.
_NOT_OF_THE_GUEST = frozenset({"cmt", "mbm_total", "mbm_local", "osxsave", "ospke"})

#: Hyper-V's enlightenments that are simply on, by their element; `hv-` and hyphens make QEMU's name.
_HYPERV_SWITCHES = (
    *("relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset", "vendor_id"),
    *("frequencies", "reenlightenment", "tlbflush", "ipi", "evmcs", "avic"),
)


def add_cpu(build: Build, line: CommandLine) -> None:
    """-cpu; absent where neither the XML nor the machine names a model."""
    options = list(_cpu_options(build))
    if options:
        line.add_list("-cpu", *options)


def _cpu_options(build: Build) -> Iterator[Option]:
    model = list(_model(build))
    extra = [o for o in _extra(build) if isinstance(o, str) or o[1] is not None]
    if model:
        yield from model
        yield from extra
    elif extra:
        if build.arch not in X86:
            detail = f"CPU flags requested but can't determine default CPU for arch {build.arch}"
            raise VirtError(Code.CONFIG_UNSUPPORTED, detail)
        yield _default_model(build)
        yield from extra


def _default_model(build: Build) -> str:
    return "qemu32" if build.arch == "i686" else "qemu64"


# --- the model --------------------------------------------------------------------------------------


def _model(build: Build) -> Iterator[Option]:
    cpu = build.domain.cpu
    mode = None if cpu is None else cpu.mode
    if cpu is None or (mode in (None, "custom") and (cpu.model is None or cpu.model.name is None)):
        if build.domain.os.machine and (default := _machine_default(build)):
            yield default
        return
    if mode in ("host-passthrough", "maximum"):
        yield "host" if mode == "host-passthrough" else "max"
        if cpu.migratable is not None and build.caps.has("cpu.migratable"):
            yield "migratable", on_off(cpu.migratable)
        yield from _vendor(cpu)
        yield from _features(build, cpu.features)
        return
    yield from _named_model(build, cpu)


def _machine_default(build: Build) -> str | None:
    machine = build.caps.machine(build.machine, build.domain.type)
    return machine.default_cpu if machine else None


def _named_model(build: Build, cpu: CPU) -> Iterator[Option]:
    yield cpu.model.name if cpu.model and cpu.model.name else _default_model(build)
    yield from _vendor(cpu)
    yield from _features(build, cpu.features)


def _vendor(cpu: CPU) -> Iterator[Option]:
    if cpu.model is not None and cpu.model.vendor_id:
        yield "vendor", cpu.model.vendor_id


def _features(build: Build, features: list[CPUFeature]) -> Iterator[Option]:
    """Each feature on or off, optional ones as they come; one that QEMU never heard of is off anyway."""
    known = build.caps.cpu_facts(build.domain.type).best.keys()
    for feature in features:
        name, wanted = qemu_feature(build.caps, feature.name), feature.policy in ("force", "require")
        if feature.policy == "optional" or feature.name in _NOT_OF_THE_GUEST:
            continue
        if wanted or not known or name in known or not build.caps.is_x86:
            yield name, on_off(wanted)


# --- what is beside the model -----------------------------------------------------------------------


def _extra(build: Build) -> Iterator[Option]:
    features, clock = build.domain.features or Features(), build.domain.clock or Clock()
    yield from _timers(clock)
    if features.apic is not None and features.apic.eoi is not None:
        yield "kvm-pv-eoi", on_off(features.apic.eoi)
    if features.pvspinlock is not None:
        yield "kvm-pv-unhalt", on_off(features.pvspinlock.state)
    if features.hyperv is not None:
        yield from _hyperv(features.hyperv)
    if any(p.model == "hyperv" for p in build.domain.devices.panics):
        yield "hv-crash"
    yield from _kvm(build.domain.type, features)
    if features.pmu is not None and build.arch not in PPC64:
        yield "pmu", on_off(features.pmu.state)
    if build.domain.cpu is not None:
        yield from _cache(build.domain.cpu)
        yield from _address_bits(build.domain.cpu)


def _timers(clock: Clock) -> Iterator[Option]:
    for timer in clock.timers:
        match timer.name:
            case "kvmclock" if timer.present is not None:
                yield "kvmclock", on_off(timer.present)
            case "hypervclock" if timer.present:
                yield "hv-time", "on"
            case "tsc" if timer.frequency:
                yield "tsc-frequency", timer.frequency
            case "armvtimer" if timer.tickpolicy is not None:
                yield "kvm-no-adjvtime", on_off(timer.tickpolicy == "discard")
            case _:
                pass


def _hyperv(hyperv: HyperV) -> Iterator[Option]:
    if hyperv.mode == "passthrough":
        yield "hv-passthrough", "on"
    for name in _HYPERV_SWITCHES:
        switch = getattr(hyperv, name)
        if switch is None or not switch.state:
            continue
        if name == "spinlocks":
            yield "hv-spinlocks", f"0x{switch.retries or 0:x}"
        elif name == "vendor_id":
            yield "hv-vendor-id", switch.value
        else:
            yield f"hv-{name}", "on"
        if name == "stimer" and switch.direct is not None and switch.direct.state:
            yield "hv-stimer-direct", "on"


def _kvm(domain_type: str, features: Features) -> Iterator[Option]:
    kvm = features.kvm
    if kvm is None:
        return
    if kvm.hidden is not None and kvm.hidden.state:
        yield "kvm", "off"
    if kvm.hint_dedicated is not None and kvm.hint_dedicated.state:
        yield "kvm-hint-dedicated", "on"
    if kvm.poll_control is not None and kvm.poll_control.state:
        yield "kvm-poll-control", "on"
    if kvm.pv_ipi is not None and not kvm.pv_ipi.state:
        yield "kvm-pv-ipi", "off"


def _cache(cpu: CPU) -> Iterator[Option]:
    if cpu.cache is None:
        return
    host_mode = cpu.mode in ("host-passthrough", "maximum")
    match cpu.cache.mode:
        case "emulate":
            yield "l3-cache", "on"
            if host_mode:
                yield "host-cache-info", "off"
        case "passthrough":
            yield "host-cache-info", "on"
            yield "l3-cache", "off"
        case _:
            if host_mode:
                yield "host-cache-info", "off"
            yield "l3-cache", "off"


def _address_bits(cpu: CPU) -> Iterator[Option]:
    if cpu.maxphysaddr is None:
        return
    if cpu.maxphysaddr.mode == "passthrough":
        yield "host-phys-bits", "on"
    else:
        yield "phys-bits", cpu.maxphysaddr.bits
