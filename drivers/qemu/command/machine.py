# SPDX-License-Identifier: LGPL-2.1-or-later
"""-machine and -accel: the board, and what runs its code."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain import Domain
from conf.domain.features import Features
from drivers.qemu import machines
from drivers.qemu.capabilities.arch import X86
from drivers.qemu.command.bootindex import Bootable
from drivers.qemu.command.context import Build
from drivers.qemu.command.firmware import pflash_nodes
from drivers.qemu.command.line import CommandLine, Option, on_off
from drivers.qemu.command.memory import default_ram_id
from drivers.qemu.command.numa import tells_speed
from virtd.errors import Code, VirtError


def add_machine(build: Build, line: CommandLine) -> None:
    """-machine and -accel."""
    line.add_list("-machine", build.machine, *_machine_options(build))
    line.add_list("-accel", *_accel(build))
    _add_tseg(build, line)


def _machine_options(build: Build) -> Iterator[Option]:
    domain, features = build.domain, build.domain.features or Features()
    yield "usb", "off"
    if build.arch in X86:
        yield "vmport", _state(features.vmport)
    yield "smm", _state(features.smm)
    yield from _without_switches(build)
    if features.ioapic and features.ioapic.driver == "qemu":
        yield "kernel_irqchip", "split"
    elif features.ioapic and features.ioapic.driver == "kvm":
        yield "kernel_irqchip", "on"
    yield from _key_wrap(build)
    if machines.is_arm_virt(domain) and features.gic and features.gic.version:
        yield from _gic(build, features.gic.version)
    yield from _pseries(features)
    yield from _common(build)
    yield from _boot_options(build)


def _without_switches(build: Build) -> Iterator[Option]:
    """What newer emulators are told here, older ones by -no-acpi and -no-hpet."""
    domain = build.domain
    if build.arch not in X86 and not (build.arch == "aarch64" and machines.is_arm_virt(domain)):
        return
    if not build.caps.has("no-acpi") and not (domain.features and domain.features.acpi):
        yield "acpi", "off"
    hpet = next((t for t in domain.clock.timers if t.name == "hpet"), None)
    if build.arch in X86 and not build.caps.has("no-hpet") and hpet is not None and hpet.present is not None:
        yield "hpet", on_off(hpet.present)


def _common(build: Build) -> Iterator[Option]:
    domain = build.domain
    backing = domain.memory_backing
    if (yes := _iommu_machine(build)) is not None:
        yield "iommu", yes
    yield "dump-guest-core", on_off(_dump_core(build))
    if backing and backing.nosharepages:
        yield "mem-merge", "off"
    if any(m.model == "nvdimm" for m in domain.devices.memories):
        yield "nvdimm", "on"
    if tells_speed(domain):
        yield "hmat", "on"


def _boot_options(build: Build) -> Iterator[Option]:
    loadparm = _loadparm(build.domain)
    if loadparm is not None and build.caps.has("loadparm"):
        yield "loadparm", loadparm
    if build.domain.launch_security is not None:
        yield "confidential-guest-support", "lsec0"
    if ram := default_ram_id(build):
        yield "memory-backend", ram
    yield from pflash_nodes(build.domain)
    if build.domain.os.bios is not None and build.domain.os.bios.useserial:
        yield "graphics", "off"


def _state(feature: object | None) -> str | None:
    return None if feature is None else on_off(bool(getattr(feature, "state", True)))


def _key_wrap(build: Build) -> Iterator[Option]:
    for cipher in build.domain.keywrap.ciphers if build.domain.keywrap else ():
        name = f"{cipher.name}-key-wrap"
        if not build.caps.has(name):
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"{name} is not available with this QEMU binary")
        yield name, cipher.state


def _iommu_machine(build: Build) -> str | None:
    """SMMUv3 is a property of its machine, not a device."""
    iommu = build.domain.devices.iommu
    return "smmuv3" if iommu is not None and iommu.model == "smmuv3" else None


def _dump_core(build: Build) -> bool:
    own = build.domain.memory_dump_core
    return build.context.settings.dump_guest_core if own is None else own


def _gic(build: Build, version: str) -> Iterator[Option]:
    """The interrupt controller; the oldest goes without saying where it cannot be said."""
    if build.caps.has("gic-version"):
        yield "gic-version", version
    elif version != "2":
        detail = "gic-version option is not available with this QEMU binary"
        raise VirtError(Code.CONFIG_UNSUPPORTED, detail)


def _pseries(features: Features) -> Iterator[Option]:
    if features.hpt is not None:
        yield "resize-hpt", features.hpt.resizing
        size = features.hpt.maxpagesize
        yield "cap-hpt-max-page-size", f"{size}k" if size else None
    for name, feature in (
        ("cap-htm", features.htm),
        ("cap-nested-hv", features.nested_hv),
        ("cap-ccf-assist", features.ccf_assist),
    ):
        yield name, _state(feature)
    for name, choice in (("cap-cfpc", features.cfpc), ("cap-sbbc", features.sbbc), ("cap-ibs", features.ibs)):
        yield name, choice.value if choice else None


def _loadparm(domain: Domain) -> str | None:
    """The boot loader's parameter of the first device to boot from (S/390)."""
    devices: list[Bootable] = [*domain.devices.disks, *domain.devices.interfaces]
    booting = [d.boot for d in devices if d.boot is not None]
    first = min(booting, key=lambda b: b.order, default=None)
    return first.loadparm if first else None


def _accel(build: Build) -> Iterator[Option]:
    features = build.domain.features
    match build.domain.type:
        case "kvm":
            yield "kvm"
            ring = features.kvm.dirty_ring if features and features.kvm else None
            if ring is not None and ring.state:
                yield "dirty-ring-size", ring.size
        case "hvf":
            yield "hvf"
        case _:
            yield "tcg"
            cache = features.tcg.tb_cache if features and features.tcg else None
            yield "tb-size", cache >> 10 if cache else None


def _add_tseg(build: Build, line: CommandLine) -> None:
    """How much memory q35 gives to system management mode."""
    smm = build.domain.features.smm if build.domain.features else None
    if smm is not None and smm.state and smm.tseg is not None:
        line.add("-global", f"mch.extended-tseg-mbytes={smm.tseg >> 20}")
