# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest as its PCI buses see it: which devices are to be placed, and what each of them needs."""

from __future__ import annotations

from typing import NamedTuple

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.interface import Interface
from conf.domain.devices.sound import Sound
from drivers.qemu import machines
from drivers.qemu.addresses.pci_buses import Connect
from drivers.qemu.addresses.pci_connect import CONVENTIONAL_SLOTS, EXPRESS_SLOTS, RULES, iommu_group
from drivers.qemu.facts import EmulatorFacts

#: The order in which libvirt goes through the kinds of devices that are complete; all others come last.
_RANKS: dict[type, int] = {
    kind: rank for rank, kind in enumerate((Disk, Interface, Sound, Hostdev, Filesystem, Controller))
}


class PciDevice(NamedTuple):
    """A device, and what it needs from a bus.

    Attributes:
        flags: the slots it fits into, as `Connect` bits; 0 for what is no PCI device.
        isolation_group: devices of different groups do not share a bus; 0 is "none".
    """

    device: DeviceInfo
    flags: int
    isolation_group: int


class PciGuest:
    """What is asked of a guest again and again while its devices are placed, found out once.

    Attributes:
        root: the model of the controller of bus 0.
        given: the devices that have a PCI address, in the order in which they take it.
        bridges: PCI controllers that are to be given one.
        others: other devices that are, in the order in which they get it; the bridges come before them.
    """

    def __init__(self, domain: Domain, emulator: EmulatorFacts) -> None:
        self.domain = domain
        self.root = machines.pci_root(domain)
        self.is_pseries = machines.is_pseries(domain)
        self.has_pcie_to_pci = emulator.has("pcie-pci-bridge")
        self._slots = EXPRESS_SLOTS if self.root == "pcie-root" else CONVENTIONAL_SLOTS
        self.given: list[PciDevice] = []
        self.bridges: list[PciDevice] = []
        self.others: list[PciDevice] = []
        for device in pci_devices(domain):
            address = device.address
            if address is not None and not isinstance(address, PCIAddress):
                continue
            described = self.describe(device)
            if address is not None and not address.is_empty:
                self.given.append(described)
            elif described.flags or _is_hopeless(device):
                self._want_place(described)
        self.given.sort(key=_rank)

    def describe(self, device: DeviceInfo) -> PciDevice:
        """The device with its needs.  On pSeries the host's IOMMU groups must not share a bus."""
        rule = RULES.get(type(device))
        flags = rule(device, self._slots) if rule else Connect.NONE
        group = iommu_group(device) if self.is_pseries and isinstance(device, Hostdev) else 0
        return PciDevice(device, flags, group)

    def _want_place(self, described: PciDevice) -> None:
        """Note a device that is to be given a PCI address."""
        device = described.device
        if not isinstance(device, Controller):
            self.others.append(described)
        elif device.type == "pci":
            self.bridges.append(described)
        elif device.type != "ide" or device.index != 0 or not machines.has_builtin_ide(self.domain):
            self.others.append(described)


def _is_hopeless(device: DeviceInfo) -> bool:
    """Whether nobody could place a device that needs no PCI slot, which is tried all the same and fails."""
    if isinstance(device, Controller):
        return device.type in ("xenbus", "isa")
    return isinstance(device, Interface) and device.type != "hostdev"


def wants_pci(device: DeviceInfo) -> bool:
    """No address yet, or `<address type='pci'/>` which leaves it to us."""
    address = device.address
    return address is None or (isinstance(address, PCIAddress) and address.is_empty)


def pci_devices(domain: Domain) -> list[DeviceInfo]:
    """All devices that may be PCI ones, in the order in which they get their addresses."""
    devices = domain.devices
    return [
        *[controller for controller in devices.controllers if controller.type == "pci"],
        *devices.filesystems,
        *[interface for interface in devices.interfaces if interface.type != "hostdev"],
        *devices.sounds,
        *[controller for controller in devices.controllers if controller.type != "pci"],
        *devices.disks,
        *[interface for interface in devices.interfaces if interface.type == "hostdev"],
        *devices.hostdevs,
        *_single(devices.memballoon),
        *devices.rngs,
        *devices.watchdogs,
        *devices.videos,
        *devices.shmems,
        *devices.inputs,
        *devices.serials,
        *_single(devices.vsock),
        *devices.memories,
        *_single(devices.iommu),
    ]


def _single(device: DeviceInfo | None) -> tuple[DeviceInfo, ...]:
    return () if device is None else (device,)


def _rank(described: PciDevice) -> int:
    return _RANKS.get(type(described.device), len(_RANKS))
