# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which kind of PCI slot a device needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from conf.domain.devices.chardev import Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.memory import Memory
from conf.domain.devices.rng import RNG
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.sound import Sound
from conf.domain.devices.video import Video
from conf.domain.devices.vsock import Vsock
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu.addresses.pci_buses import BUS_KINDS, Connect

_SYSFS = "/sys/bus/pci/devices"
#: Bytes of configuration space of a conventional device; Express devices have 4096.
_CONVENTIONAL_CONFIG = 256


class Slots(NamedTuple):
    """The flags of a guest's conventional and Express devices.  Virtio devices are whatever the guest's root is."""

    pci: int
    pcie: int

    def virtio_model(self, model: str | None) -> int:
        """By the suffix of a model; a transitional device must be conventional."""
        if model and model.endswith("virtio-transitional"):
            return self.pci
        return self.pcie


_PCI = Connect.PCI_DEVICE | Connect.AUTOASSIGN
EXPRESS_SLOTS = Slots(_PCI, Connect.PCIE_DEVICE | Connect.AUTOASSIGN)
#: Without an Express root everything is conventional.
CONVENTIONAL_SLOTS = Slots(_PCI, _PCI)

#: Interface models that are no virtio; one that is not listed is taken to be Express.
_CONVENTIONAL_NICS = frozenset(
    {
        "rtl8139", "e1000", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A", "Am79C973",
        "82540EM", "82545EM", "82543GC", "netfront", "lan9118", "scm91c111",
    }
)  # fmt: skip
_NOT_PCI_NICS = frozenset({"usb-net", "spapr-vlan"})


def _interface(interface: Interface, slots: Slots) -> int:
    if interface.type == "hostdev":
        if interface.source and interface.source.hostdev and interface.source.hostdev.type == "usb":
            return 0
        return slots.pcie if _is_express(interface.source.hostdev if interface.source else None) else slots.pci
    model = interface.model.type if interface.model else None
    if model in _NOT_PCI_NICS:
        return 0
    if model in _CONVENTIONAL_NICS:
        return slots.pci
    if model == "virtio-transitional":
        return slots.pci
    return slots.pcie


def _disk(disk: Disk, slots: Slots) -> int:
    if disk.target.bus != "virtio":
        return 0
    return slots.virtio_model(disk.model)


def _hostdev(hostdev: Hostdev, slots: Slots) -> int:
    if hostdev.mode != "subsystem":
        return 0
    if hostdev.type == "scsi_host":
        return slots.virtio_model(hostdev.model)
    if hostdev.type == "mdev":
        return slots.pcie if hostdev.model == "vfio-pci" else 0
    if hostdev.type != "pci":
        return 0
    return slots.pcie if _is_express(hostdev.source.pci) else slots.pci


def _is_express(address: object) -> bool:
    """A host device that is not there (now) is taken to be Express."""
    try:
        return os.stat(f"{_SYSFS}/{address}/config").st_size > _CONVENTIONAL_CONFIG
    except OSError:
        return True


def iommu_group(hostdev: Hostdev) -> int:
    """One more than the number of a host device's IOMMU group, or 0: it has none, or is no PCI device or not there."""
    if hostdev.type != "pci":
        return 0
    try:
        link = os.readlink(f"{_SYSFS}/{hostdev.source.pci}/iommu_group")
    except OSError:
        return 0
    return int(os.path.basename(link)) + 1


def _controller(controller: Controller, slots: Slots) -> int:
    model = controller.model
    match controller.type:
        case "pci":
            return BUS_KINDS[model].needs if model in BUS_KINDS else 0
        case "usb":
            return _usb(model, slots)
        case "scsi":
            if model and model.startswith("virtio"):
                return slots.virtio_model(model)
            return 0 if model in ("ibmvscsi", "ncr53c90") else slots.pci
        case "virtio-serial":
            return slots.virtio_model(model)
        case "ide" | "sata":
            return slots.pci
    return 0


def _usb(model: str | None, slots: Slots) -> int:
    if model == "none":
        return 0
    return slots.pcie if model in ("nec-xhci", "qemu-xhci") else slots.pci


def _sound(sound: Sound, slots: Slots) -> int:
    return 0 if sound.model in ("sb16", "pcspk", "usb") else slots.pci


def _video(video: Video, slots: Slots) -> int:
    match video.model.type if video.model else None:
        case "virtio":
            return slots.pcie
        case "bochs":
            return slots.pcie
        case "ramfb" | "none" | "gop" | "default" | None:
            return 0
    return slots.pci


def _input(device: Input, slots: Slots) -> int:
    return slots.virtio_model(device.model) if device.bus == "virtio" else 0


def _memballoon(balloon: Memballoon, slots: Slots) -> int:
    return slots.virtio_model(balloon.model) if balloon.model.startswith("virtio") else 0


def _watchdog(watchdog: Watchdog, slots: Slots) -> int:
    return slots.pci if watchdog.model == "i6300esb" else 0


def _serial(serial: Serial, slots: Slots) -> int:
    return slots.pci if serial.target and serial.target.type == "pci-serial" else 0


def _memory(memory: Memory, slots: Slots) -> int:
    return slots.pcie if memory.model in ("virtio-pmem", "virtio-mem") else 0


def _iommu(iommu: IOMMU, slots: Slots) -> int:
    if iommu.model != "virtio":
        return 0
    return (slots.pcie & ~Connect.AUTOASSIGN) | Connect.INTEGRATED


def _virtio(device: RNG | Vsock | Filesystem, slots: Slots) -> int:
    return slots.virtio_model(device.model)


#: The slots that a kind of device fits into, as `Connect` bits; 0 for what is no PCI device.  Other kinds never are.
RULES: dict[type, Callable[[Any, Slots], int]] = {
    Interface: _interface,
    Disk: _disk,
    Hostdev: _hostdev,
    Controller: _controller,
    Sound: _sound,
    Video: _video,
    Input: _input,
    Memballoon: _memballoon,
    Watchdog: _watchdog,
    Serial: _serial,
    Memory: _memory,
    IOMMU: _iommu,
    RNG: _virtio,
    Vsock: _virtio,
    Filesystem: _virtio,
    Shmem: lambda _shmem, slots: slots.pci,
}
