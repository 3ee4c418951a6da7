# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an emulator can do, as named flags derived from what it says about itself.

The names are libvirt's, so that a flag means the same here and in other tools.  Each table says
from which kind of answer its flags follow; only what the driver asks for is listed.  Emulators
older than `conf`'s support range are not catered for: what every supported QEMU has is no flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drivers.qemu.capabilities.schema import Schema

#: QMP command → flag.
COMMANDS = {
    "block-export-add": "block-export-add",
    "calc-dirty-rate": "calc-dirty-rate",
    "query-cpu-definitions": "query-cpu-definitions",
    "query-cpu-model-baseline": "query-cpu-model-baseline",
    "query-cpu-model-comparison": "query-cpu-model-comparison",
    "query-cpu-model-expansion": "query-cpu-model-expansion",
    "query-dirty-rate": "query-dirty-rate",
    "query-hotpluggable-cpus": "query-hotpluggable-cpus",
    "query-spice": "spice",
    "query-stats": "query-stats",
    "query-stats-schemas": "query-stats-schemas",
    "query-vnc": "vnc",
    "rtc-reset-reinjection": "rtc-reset-reinjection",
    "set-action": "set-action",
    "sev-inject-launch-secret": "sev-inject-launch-secret",
}

#: QOM type → flag.
TYPES = {
    "VGA": "VGA",
    "am53c974": "am53c974",
    "bochs-display": "bochs-display",
    "ccid-card-emulated": "ccid-emulated",
    "ccid-card-passthru": "ccid-passthru",
    "cirrus-vga": "cirrus-vga",
    "dbus-vmstate": "dbus-vmstate",
    "dc390": "dc390",
    "e1000": "e1000",
    "gpex-pcihost": "gpex-pcihost",
    "hda-duplex": "hda-duplex",
    "hda-micro": "hda-micro",
    "hda-output": "hda-output",
    "i8042": "i8042",
    "i82801b11-bridge": "dmi-to-pci-bridge",
    "ich9-ahci": "ich9-ahci",
    "ich9-intel-hda": "ich9-intel-hda",
    "ich9-usb-ehci1": "ich9-usb-ehci1",
    "input-linux": "input-linux",
    "intel-iommu": "intel-iommu",
    "ioh3420": "ioh3420",
    "iothread": "iothread",
    "isa-serial": "isa-serial",
    "ivshmem-doorbell": "ivshmem-doorbell",
    "ivshmem-plain": "ivshmem-plain",
    "lsi53c895a": "lsi",
    "max-arm-cpu": "arm-max-cpu",
    "max-x86_64-cpu": "x86-max-cpu",
    "mch": "mch",
    "megasas": "megasas",
    "memory-backend-epc": "sgx-epc",
    "memory-backend-memfd": "memory-backend-memfd",
    "mptsas1068": "mptsas1068",
    "nec-usb-xhci": "nec-usb-xhci",
    "nvdimm": "nvdimm",
    "pc-dimm": "pc-dimm",
    "pci-bridge": "pci-bridge",
    "pci-ohci": "pci-ohci",
    "pci-serial": "pci-serial",
    "pcie-pci-bridge": "pcie-pci-bridge",
    "pcie-root-port": "pcie-root-port",
    "piix3-usb-uhci": "piix3-usb-uhci",
    "piix4-usb-uhci": "piix4-usb-uhci",
    "pl011": "pl011",
    "pr-manager-helper": "pr-manager-helper",
    "pvpanic": "pvpanic",
    "pvscsi": "pvscsi",
    "pxb": "pxb",
    "pxb-pcie": "pxb-pcie",
    "qemu-xhci": "qemu-xhci",
    "qxl": "qxl",
    "ramfb": "ramfb",
    "rng-builtin": "rng-builtin",
    "rng-egd": "rng-egd",
    "rng-random": "rng-random",
    "rtl8139": "rtl8139",
    "s390-pv-guest": "s390-pv-guest",
    "sclpconsole": "s390-sclp",
    "sclplmconsole": "sclplmconsole",
    "scsi-block": "scsi-block",
    "spapr-nvram": "nvram",
    "spapr-pci-host-bridge": "spapr-pci-host-bridge",
    "spapr-tpm-proxy": "spapr-tpm-proxy",
    "spapr-vty": "spapr-vty",
    "tcg-accel": "tcg",
    "thread-context": "thread-context",
    "tpm-crb": "tpm-crb",
    "usb-audio": "usb-audio",
    "usb-ehci": "usb-ehci",
    "usb-hub": "usb-hub",
    "usb-kbd": "usb-kbd",
    "usb-redir": "usb-redir",
    "usb-serial": "usb-serial",
    "usb-storage": "usb-storage",
    "vfio-ap": "vfio-ap",
    "vfio-ccw": "vfio-ccw",
    "vfio-pci": "vfio-pci",
    "vhost-scsi": "vhost-scsi",
    "vhost-user-blk": "vhost-user-blk",
    "vhost-user-fs-device": "vhost-user-fs",
    "vhost-user-gpu": "vhost-user-gpu",
    "vhost-user-vga": "vhost-user-vga",
    "vhost-vsock-device": "vhost-vsock",
    "virtio-blk-ccw": "virtio-ccw",
    "virtio-blk-pci-non-transitional": "virtio-pci-non-transitional",
    "virtio-gpu-ccw": "virtio-gpu-ccw",
    "virtio-gpu-gl-pci": "virtio-gpu-gl-pci",
    "virtio-gpu-pci": "virtio-gpu",
    "virtio-gpu-device": "virtio-gpu",
    "virtio-input-host-device": "virtio-input-host",
    "virtio-input-host-pci": "virtio-input-host",
    "virtio-iommu-pci": "virtio-iommu-pci",
    "virtio-keyboard-ccw": "virtio-keyboard-ccw",
    "virtio-keyboard-device": "virtio-keyboard",
    "virtio-keyboard-pci": "virtio-keyboard",
    "virtio-mem-pci": "virtio-mem-pci",
    "virtio-mmio": "virtio-mmio",
    "virtio-mouse-ccw": "virtio-mouse-ccw",
    "virtio-mouse-device": "virtio-mouse",
    "virtio-mouse-pci": "virtio-mouse",
    "virtio-net-ccw": "virtio-net",
    "virtio-net-device": "virtio-net",
    "virtio-net-pci": "virtio-net",
    "virtio-pmem-pci": "virtio-pmem-pci",
    "virtio-rng-ccw": "virtio-rng",
    "virtio-rng-device": "virtio-rng",
    "virtio-rng-pci": "virtio-rng",
    "virtio-scsi-ccw": "virtio-scsi-pci",
    "virtio-scsi-device": "virtio-scsi-pci",
    "virtio-scsi-pci": "virtio-scsi-pci",
    "virtio-tablet-ccw": "virtio-tablet-ccw",
    "virtio-tablet-device": "virtio-tablet",
    "virtio-tablet-pci": "virtio-tablet",
    "virtio-vga": "virtio-vga",
    "virtio-vga-gl": "virtio-vga-gl",
    "vmcoreinfo": "vmcoreinfo",
    "vmgenid": "vmgenid",
    "vmware-svga": "vmware-svga",
    "vt82c686b-usb-uhci": "vt82c686b-usb-uhci",
    "x3130-upstream": "x3130-upstream",
    "xio3130-downstream": "xio3130-downstream",
    "zpci": "zpci",
}

#: Device type → property → flag.
DEVICE_PROPERTIES = {
    "ICH9-LPC": {"disable_s3": "ich9-disable-s3", "disable_s4": "ich9-disable-s4"},
    "PIIX4_PM": {
        "disable_s3": "disable-s3",
        "disable_s4": "disable-s4",
        "acpi-root-pci-hotplug": "piix4.acpi-root-pci-hotplug",
    },
    "VGA": {"vgamem_mb": "VGA.vgamem_mb"},
    "ide-hd": {"wwn": "ide-drive.wwn"},
    "intel-iommu": {
        "aw-bits": "intel-iommu.aw-bits",
        "caching-mode": "intel-iommu.caching-mode",
        "device-iotlb": "intel-iommu.device-iotlb",
        "eim": "intel-iommu.eim",
        "intremap": "intel-iommu.intremap",
    },
    "kvm-pit": {"lost_tick_policy": "kvm-pit-lost-tick-policy"},
    "mch": {"extended-tseg-mbytes": "mch.extended-tseg-mbytes"},
    "nvdimm": {"unarmed": "nvdimm.unarmed"},
    "pcie-root-port": {"hotplug": "pcie-root-port.hotplug"},
    "qxl": {"vgamem_mb": "qxl.vgamem_mb", "vram64_size_mb": "qxl.vram64_size_mb"},
    "scsi-hd": {
        "channel": "scsi-disk.channel",
        "rotation_rate": "rotation-rate",
        "wwn": "scsi-disk.wwn",
    },
    "spapr-pci-host-bridge": {"numa_node": "spapr-pci-host-bridge.numa_node"},
    "usb-host": {"guest-resets-all": "usb-host.guest-resets-all", "hostdevice": "usb-host.hostdevice"},
    "usb-redir": {"filter": "usb-redir.filter"},
    "usb-storage": {"removable": "usb-storage.removable"},
    "vfio-pci": {"display": "vfio-pci.display"},
    "vhost-user-fs-device": {"bootindex": "vhost-user-fs.bootindex"},
    "vhost-user-fs-pci": {"bootindex": "vhost-user-fs.bootindex"},
    "virtio-balloon-ccw": {
        "deflate-on-oom": "virtio-balloon-pci.deflate-on-oom",
        "free-page-reporting": "virtio-balloon.free-page-reporting",
    },
    "virtio-balloon-device": {
        "deflate-on-oom": "virtio-balloon-pci.deflate-on-oom",
        "free-page-reporting": "virtio-balloon.free-page-reporting",
    },
    "virtio-balloon-pci": {
        "deflate-on-oom": "virtio-balloon-pci.deflate-on-oom",
        "free-page-reporting": "virtio-balloon.free-page-reporting",
    },
    "virtio-blk-ccw": {"queue-size": "virtio-blk.queue-size"},
    "virtio-blk-pci": {
        "acpi-index": "acpi-index",
        "queue-size": "virtio-blk.queue-size",
        "scsi": "virtio-blk-pci.scsi",
    },
    "virtio-iommu-pci": {"boot-bypass": "virtio-iommu.boot-bypass"},
    "virtio-mem-pci": {"prealloc": "virtio-mem-pci.prealloc"},
    "virtio-net-ccw": {"rss": "virtio-net.rss"},
    "virtio-net-pci": {"rss": "virtio-net.rss"},
    "vmware-svga": {"vgamem_mb": "vmware-svga.vgamem_mb"},
}

#: Object (not device) type → property → flag.
OBJECT_PROPERTIES = {
    "iothread": {"poll-max-ns": "iothread.poll-max-ns", "thread-pool-max": "iothread.thread-pool-max"},
    "max-arm-cpu": {"aarch64": "aarch64-off"},
    "max-i386-cpu": {"l3-cache": "cpu-cache"},
    "max-x86_64-cpu": {
        "l3-cache": "cpu-cache",
        "migratable": "cpu.migratable",
        "unavailable-features": "cpu-unavailable-features",
    },
    "memory-backend-file": {
        "pmem": "memory-backend-file.pmem",
        "prealloc-threads": "memory-backend-file.prealloc-threads",
        "reserve": "memory-backend-file.reserve",
        "x-use-canonical-path-for-ramblock-id": "memory-backend-file.x-use-canonical-path-for-ramblock-id",
    },
    "memory-backend-memfd": {"hugetlb": "memory-backend-memfd.hugetlb"},
}

#: Machine family → property of its newest type → flag.
MACHINE_PROPERTIES = {
    "none": {"confidential-guest-support": "confidential-guest-support"},
    "pc": {"vmport": "machine-vmport-opt"},
    "pseries": {
        "cap-ccf-assist": "machine.pseries.cap-ccf-assist",
        "cap-cfpc": "machine.pseries.cap-cfpc",
        "cap-hpt-max-page-size": "machine.pseries.cap-hpt-max-page-size",
        "cap-htm": "machine.pseries.cap-htm",
        "cap-ibs": "machine.pseries.cap-ibs",
        "cap-nested-hv": "machine.pseries.cap-nested-hv",
        "cap-sbbc": "machine.pseries.cap-sbbc",
    },
    "s390-ccw-virtio": {"aes-key-wrap": "aes-key-wrap", "dea-key-wrap": "dea-key-wrap", "loadparm": "loadparm"},
    "virt": {"iommu": "machine.virt.iommu"},
}

#: Command line option → parameter → flag; an empty parameter means the option itself.
OPTIONS = {
    "fsdev": {"multidevs": "fsdev.multidevs"},
    "sandbox": {"": "seccomp-sandbox"},
    "smp-opts": {"dies": "smp-dies"},
    "vnc": {"power-control": "vnc-power-control"},
}

#: Path into the QMP schema (see `Schema.has`) → flag.
SCHEMA = {
    "blockdev-add/driver=file/aio/^io_uring": "aio.io_uring",
    "blockdev-add/driver=file/drop-cache": "migration-file-drop-cache",
    "blockdev-add/driver=nbd/tls-creds": "nbd-tls",
    "blockdev-add/driver=nbd/tls-hostname": "blockdev.nbd.tls-hostname",
    "blockdev-add/driver=nvme": "drive-nvme",
    "blockdev-add/driver=rbd/encrypt": "rbd-encryption",
    "blockdev-reopen/options": "blockdev-reopen",
    "blockdev-snapshot/$allow-write-only-overlay": "blockdev-snapshot.allow-write-only-overlay",
    "calc-dirty-rate/mode": "dirtyrate-param.mode",
    "chardev-add/backend/type=qemu-vdagent": "chardev.qemu-vdagent",
    "chardev-add/backend/type=socket/data/reconnect": "chardev-reconnect",
    "query-display-options/return/type=dbus": "display-dbus",
    "query-display-options/return/type=egl-headless": "egl-headless",
    "query-display-options/return/type=egl-headless/rendernode": "egl-headless.rendernode",
    "query-display-options/return/type=sdl": "sdl",
    "device_add/$json-cli-hotplug": "device.json+hotplug",
    "migrate-set-parameters/block-bitmap-mapping/bitmaps/transform": "migration-param.block-bitmap-mapping",
    "nbd-server-add/bitmap": "nbd-bitmap",
    "netdev_add/type=dgram": "netdev.json",
    "netdev_add/type=stream": "netdev.stream",
    "netdev_add/type=vhost-vdpa": "netdev.vhost-vdpa",
    "object-add/qom-type=sev-guest/kernel-hashes": "sev-guest-kernel-hashes",
    "object-add/qom-type=secret": "object.qapified",
    "query-migrate/return/blocked-reasons": "migration.blocked-reasons",
    "query-named-block-nodes/flat": "query-named-block-nodes.flat",
    "set-numa-node/type=hmat-lb": "numa.hmat",
    "screendump/device": "screendump_device",
    "screendump/format/^png": "screenshot-format-png",
}

#: TPM model and back end → flag.
TPM_MODELS = {"tpm-tis": "tpm-tis", "tpm-crb": "tpm-crb", "tpm-spapr": "tpm-spapr"}
TPM_TYPES = {"passthrough": "tpm-passthrough", "emulator": "tpm-emulator"}

#: Migration capability → flag.
MIGRATION = {"rdma-pin-all": "migrate-rdma"}

#: First version (as in `Capabilities.version`) → what it brought that nothing tells of.
VERSIONS = {6000000: ("compat-deprecated",)}

#: What holds for every emulator of an architecture and cannot be asked.
ARCHITECTURES = {
    "i686": ("no-acpi", "no-hpet"),
    "x86_64": ("no-acpi", "no-hpet"),
    "aarch64": ("no-acpi", "gic-version"),
    "m68k": ("ncr53c90",),
    "sparc": ("ncr53c90",),
}


@dataclass(slots=True)
class Answers:
    """What an emulator said, as QMP gives it."""

    arch: str
    version: int
    commands: set[str]
    types: set[str]
    schema: Schema
    options: dict[str, set[str]]
    #: device, object or machine type → property → its description
    properties: dict[str, dict[str, Any]]
    migration: set[str] = field(default_factory=set)
    tpm_models: set[str] = field(default_factory=set)
    tpm_types: set[str] = field(default_factory=set)
    kvm: bool = False


#: Flag → the version that took away again what it stands for.
REMOVED = {"no-acpi": 9000000, "no-hpet": 9000000}

#: flag → what it follows from.
CONCLUSIONS = {
    "canonical-cpu-features": ("cpu-unavailable-features",),
    "incremental-backup": ("blockdev-reopen", "migration-param.block-bitmap-mapping"),
    "spice-gl": ("spice",),
    "spice-rendernode": ("spice",),
}


def derive(answers: Answers) -> frozenset[str]:
    """The flags that follow from an emulator's answers."""
    flags = {flag for source in (_simple, _properties, _options, _values) for flag in source(answers)}
    flags |= {flag for flag, needed in CONCLUSIONS.items() if flags.issuperset(needed)}
    return frozenset(flags)


def _simple(answers: Answers) -> Iterator[str]:
    for table, present in (
        (COMMANDS, answers.commands),
        (TYPES, answers.types),
        (MIGRATION, answers.migration),
        (TPM_MODELS, answers.tpm_models),
        (TPM_TYPES, answers.tpm_types),
    ):
        yield from (flag for name, flag in table.items() if name in present)
    yield from (flag for path, flag in SCHEMA.items() if answers.schema.has(path))
    for flag in ARCHITECTURES.get(answers.arch, ()):
        if flag not in REMOVED or answers.version < REMOVED[flag]:
            yield flag
    yield from (flag for since, flags in VERSIONS.items() if answers.version >= since for flag in flags)
    if answers.kvm:
        yield "kvm"


def _properties(answers: Answers) -> Iterator[str]:
    for table in (DEVICE_PROPERTIES, OBJECT_PROPERTIES, MACHINE_PROPERTIES):
        for type_, flags in table.items():
            known = answers.properties.get(type_, {})
            yield from (flag for name, flag in flags.items() if name in known)


def _options(answers: Answers) -> Iterator[str]:
    for option, flags in OPTIONS.items():
        known = answers.options.get(option)
        if known is not None:
            yield from (flag for name, flag in flags.items() if not name or name in known)


def _values(answers: Answers) -> Iterator[str]:
    """Flags that follow from more than a name's presence."""
    if any(type_.startswith("max-") and type_.endswith("-cpu") for type_ in answers.types):
        yield "cpu-max"
    if answers.properties.get("virtio-blk-pci", {}).get("scsi", {}).get("default-value") is False:
        yield "virtio-blk-pci.scsi.default.disabled"
