# SPDX-License-Identifier: LGPL-2.1-or-later
"""virConnectGetDomainCapabilities: what an emulator offers to guests of one machine type."""

from __future__ import annotations

import os
from collections.abc import Iterable

from conf.capabilities import (
    Choice,
    CpuFeature,
    CpuMode,
    CpuModelSupport,
    CpuSupport,
    DeviceSupport,
    DomainCapabilities,
    Feature,
    FeatureSupport,
    OsSupport,
)
from drivers.common.cpu.cpu_map import CpuMap
from drivers.qemu.capabilities.arch import ARM, PPC64, S390, X86, kvm_can_run
from drivers.qemu.capabilities.firmware import Firmware
from drivers.qemu.capabilities.model import Capabilities, MachineType
from drivers.qemu.cpu.guest import host_model
from drivers.qemu.cpu.names import offered_models

#: Where the classic firmware images lie, listed when no descriptor fits.
_CLASSIC_LOADERS = (
    "/usr/share/OVMF/OVMF_CODE.fd",
    "/usr/share/OVMF/OVMF_CODE.secboot.fd",
    "/usr/share/AAVMF/AAVMF_CODE.fd",
    "/usr/share/AAVMF/AAVMF32_CODE.fd",
)

#: Choice of a video model → flag that brings it; None: always there.
_VIDEO = {
    "vga": "VGA",
    "cirrus": "cirrus-vga",
    "vmvga": "vmware-svga",
    "qxl": "qxl",
    "virtio": "virtio-gpu",
    "none": None,
    "bochs": "bochs-display",
    "ramfb": "ramfb",
}

_GRAPHICS = {"sdl": "sdl", "vnc": "vnc", "spice": "spice", "egl-headless": "egl-headless", "dbus": "display-dbus"}

_RNG_BACKENDS = {"random": "rng-random", "egd": "rng-egd", "builtin": "rng-builtin"}

_TPM_MODELS = {
    "tpm-tis": "tpm-tis",
    "tpm-crb": "tpm-crb",
    "tpm-spapr": "tpm-spapr",
    "spapr-tpm-proxy": "spapr-tpm-proxy",
}

#: Not "emulator": no swtpm is started for guests yet, and clients give a TPM of that kind to each guest with UEFI that
#: they make where it is offered.
_TPM_BACKENDS = {"passthrough": "tpm-passthrough", "external": "tpm-emulator"}

#: Machines on which vfio, virtio … come without PCI are not told apart: libvirt does not either.
_VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")


def domain_capabilities(
    caps: Capabilities,
    virt_type: str,
    arch: str,
    machine: MachineType | None,
    cpu_map: CpuMap,
    firmwares: Iterable[Firmware],
) -> DomainCapabilities:
    """The answer for guests of `virt_type` on `machine`."""
    name = machine.name if machine else ""
    fitting = [f for f in firmwares if f.fits(arch, name) and f.device == "flash" and os.path.exists(f.executable)]
    return DomainCapabilities(
        path=caps.path,
        domain=virt_type,
        machine=name or None,
        arch=arch,
        max_vcpus=machine.max_cpus if machine and machine.max_cpus else None,
        iothreads=_supported(caps.has("iothread")),
        os=_os(arch, fitting),
        cpu=_cpu(caps, virt_type, arch, cpu_map),
        memory_backing=_feature(sourceType=["file", "anonymous", *_present(caps, {"memfd": "memory-backend-memfd"})]),
        devices=_devices(caps, virt_type, arch, name),
        features=_features(caps, virt_type, arch, name),
    )


def _supported(value: bool) -> Feature:
    return Feature(supported=value)


def _feature(supported: bool = True, **choices: list[str]) -> Feature:
    """A feature and, if it is supported, its choices in the order given."""
    enums = [Choice(name=name, values=values) for name, values in choices.items()] if supported else []
    return Feature(supported=supported, enums=enums)


def _present(caps: Capabilities, flags: dict[str, str] | dict[str, str | None]) -> list[str]:
    return [name for name, flag in flags.items() if flag is None or caps.has(flag)]


def _os(arch: str, firmwares: list[Firmware]) -> OsSupport:
    paths = [f.executable for f in firmwares] or [p for p in _CLASSIC_LOADERS if os.path.exists(p)]
    efi = ["efi"] if any("uefi" in f.interfaces for f in firmwares) else []
    bios = ["bios"] if any("bios" in f.interfaces for f in firmwares) else []
    secure = ["yes"] if any(f.secure for f in firmwares) else []
    loader = _feature(type=["rom", "pflash"], readonly=["yes", "no"], secure=[*secure, "no"])
    loader.values = list(dict.fromkeys(paths))
    return OsSupport(supported=True, firmware=[Choice(name="firmware", values=[*bios, *efi])], loader=loader)


# --- CPU --------------------------------------------------------------------------------------------


def _cpu(caps: Capabilities, virt_type: str, arch: str, cpu_map: CpuMap) -> CpuSupport:
    native = virt_type == "kvm" and kvm_can_run(caps.host_arch, arch)
    migratable = ["on", "off"] if caps.has("cpu.migratable") else ["off"]
    return CpuSupport(
        modes=[
            _mode("host-passthrough", native, hostPassthroughMigratable=migratable),
            _mode("maximum", caps.has("cpu-max"), maximumMigratable=["on", "off"]),
            _host_model(caps, virt_type, cpu_map),
            _custom(caps, virt_type, cpu_map),
        ]
    )


def _mode(name: str, supported: bool, **choices: list[str]) -> CpuMode:
    feature = _feature(supported, **choices)
    return CpuMode(name=name, supported=supported, enums=feature.enums)


def _host_model(caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> CpuMode:
    named = host_model(caps, virt_type, cpu_map, migratable=False)
    mode = CpuMode(name="host-model", supported=named is not None)
    if named is not None:
        mode.models = [CpuModelSupport(fallback="forbid", name=named.model)]
        mode.vendor = named.vendor
        mode.features = [CpuFeature(policy="require", name=name) for name in named.require]
        mode.features += [CpuFeature(policy="disable", name=name) for name in named.disable]
    return mode


def _custom(caps: Capabilities, virt_type: str, cpu_map: CpuMap) -> CpuMode:
    """Models that can be named; libvirt does not tell who makes ARM's."""
    makers = {} if caps.arch in ARM else {name: model.vendor for name, model in cpu_map.models.items()}
    models = [
        CpuModelSupport(
            usable=d.usable,
            deprecated=True if d.deprecated else None,
            vendor=makers.get(name) or "unknown",
            name=name,
        )
        for name, d in offered_models(caps, virt_type, cpu_map).items()
    ]
    return CpuMode(name="custom", supported=bool(caps.cpu_facts(virt_type).models), models=models)


# --- devices ----------------------------------------------------------------------------------------


def _devices(caps: Capabilities, virt_type: str, arch: str, machine: str) -> DeviceSupport:
    usb = caps.has_device("usb-storage")
    return DeviceSupport(
        disk=_disk(caps, arch, machine),
        graphics=_feature(type=_present(caps, _GRAPHICS)),
        video=_feature(modelType=_present(caps, _VIDEO)),
        hostdev=_hostdev(caps, virt_type),
        rng=_feature(
            caps.has("virtio-rng"),
            model=_virtio_models(caps),
            backendModel=_present(caps, _RNG_BACKENDS),
        ),
        filesystem=_feature(driverType=["path", "handle", *_present(caps, {"virtiofs": "vhost-user-fs"})]),
        tpm=_tpm(caps),
        redirdev=_feature(caps.has("usb-redir"), bus=["usb"] if usb else []),
        channel=_feature(type=["pty", "unix", *_present(caps, {"spicevmc": "spice"})]),
    )


def _virtio_models(caps: Capabilities) -> list[str]:
    return [*_VIRTIO_MODELS] if caps.has("virtio-pci-non-transitional") else ["virtio"]


def _disk(caps: Capabilities, arch: str, machine: str) -> Feature:
    floppy = arch not in PPC64 and not (arch in S390 and not machine)
    ide = (arch in X86 and machine.startswith(("pc-i440fx", "pc-0", "pc-1", "isapc", "rhel"))) or arch == "ppc"
    buses = {"ide": ide, "fdc": floppy, "scsi": True, "virtio": True}
    buses |= {"usb": caps.has("usb-storage"), "sata": caps.has("ich9-ahci")}
    return _feature(
        diskDevice=["disk", "cdrom", *(["floppy"] if floppy else []), "lun"],
        bus=[name for name, present in buses.items() if present],
        model=_virtio_models(caps),
    )


def _hostdev(caps: Capabilities, virt_type: str) -> Feature:
    vfio = virt_type == "kvm" and caps.has("vfio-pci") and _host_has_iommu()
    return _feature(
        mode=["subsystem"],
        startupPolicy=["default", "mandatory", "requisite", "optional"],
        subsysType=[*(["usb"] if caps.has("usb-storage") else []), "pci", "scsi"],
        capsType=[],
        pciBackend=["vfio"] if vfio else [],
    )


def _host_has_iommu() -> bool:
    try:
        return bool(os.listdir("/sys/kernel/iommu_groups"))
    except OSError:
        return False


def _tpm(caps: Capabilities) -> Feature:
    models = _present(caps, _TPM_MODELS)
    return _feature(bool(models), model=models, backendModel=_present(caps, _TPM_BACKENDS), backendVersion=[])


# --- other features ---------------------------------------------------------------------------------


def _features(caps: Capabilities, virt_type: str, arch: str, machine: str) -> FeatureSupport:
    gic = [str(v) for v in (2, 3) if arch in ARM and machine.startswith("virt") and caps.supports_gic(v, virt_type)]
    kvm_on_x86 = virt_type == "kvm" and arch in X86
    return FeatureSupport(
        gic=_feature(bool(gic), version=gic),
        vmcoreinfo=_supported(caps.has("vmcoreinfo")),
        genid=_supported(caps.has("vmgenid")),
        backing_store_input=_supported(True),
        backup=_supported(caps.has("incremental-backup")),
        s390_pv=_supported(caps.has("s390-pv-guest") and virt_type == "kvm") if arch in S390 else None,
        sev=_supported(caps.sev is not None),
        sgx=_supported(caps.sgx),
        hyperv=_feature(features=_hyperv(caps, virt_type)) if kvm_on_x86 else None,
    )


#: Hyper-V enlightenments by QEMU's names; the first two need nothing of the kernel.
_HYPERV = {
    "relaxed": "hv-relaxed",
    "vapic": "hv-vapic",
    "spinlocks": None,
    "vpindex": "hv-vpindex",
    "runtime": "hv-runtime",
    "synic": "hv-synic",
    "stimer": "hv-stimer",
    "reset": "hv-reset",
    "vendor_id": None,
    "frequencies": "hv-frequencies",
    "reenlightenment": "hv-reenlightenment",
    "tlbflush": "hv-tlbflush",
    "ipi": "hv-ipi",
    "evmcs": "hv-evmcs",
    "avic": "hv-avic",
}


def _hyperv(caps: Capabilities, virt_type: str) -> list[str]:
    """Enlightenments this kernel offers, as the best CPU model shows them."""
    best = caps.cpu_facts(virt_type).best
    return [name for name, property_ in _HYPERV.items() if property_ is None or best.get(property_) is True]
