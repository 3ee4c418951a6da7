# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest as its PCI buses see it: which devices are to be placed, and what each of them needs."""

from __future__ import annotations

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


#: The slots a device fits into, as `Connect` bits (0: it is no PCI device), and its isolation group: devices of
#: different groups do not share a bus, and 0 is "none".
Needs = tuple[int, int]


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
        #: Each device is asked about several times: its answer, by its `id`, which stays its own while it is kept here.
        self._needs: dict[int, tuple[DeviceInfo, Needs]] = {}
        self.given: list[DeviceInfo] = []
        self.bridges: list[DeviceInfo] = []
        self.others: list[DeviceInfo] = []
        for device in pci_devices(domain):
            address = device.address
            if address is not None and not isinstance(address, PCIAddress):
                continue
            if address is not None and not address.is_empty:
                self.given.append(device)
            elif self._is_placed(device):
                (self.bridges if is_bridge(device) else self.others).append(device)
        self.given.sort(key=_rank)

    def needs(self, device: DeviceInfo) -> Needs:
        """What a device needs from a bus.  Of the host's devices only pSeries keeps the groups apart."""
        known = self._needs.get(id(device))
        if known is None:
            rule = RULES.get(type(device))
            flags = rule(device, self._slots) if rule else Connect.NONE
            group = iommu_group(device) if self.is_pseries and isinstance(device, Hostdev) else 0
            known = self._needs[id(device)] = device, (flags, group)
        return known[1]

    def _is_placed(self, device: DeviceInfo) -> bool:
        """Whether it is given a PCI address if it has none; a device nobody could place is, and fails."""
        flags, _group = self.needs(device)
        if isinstance(device, Controller):
            if device.type == "ide" and device.index == 0 and machines.has_builtin_ide(self.domain):
                return False
            return flags != 0 or device.type in ("xenbus", "isa")
        return flags != 0 or (isinstance(device, Interface) and device.type != "hostdev")


def wants_pci(device: DeviceInfo) -> bool:
    """No address yet, or `<address type='pci'/>` which leaves it to us."""
    address = device.address
    return address is None or (isinstance(address, PCIAddress) and address.is_empty)


def is_bridge(device: DeviceInfo) -> bool:
    """Whether there is a PCI bus behind it."""
    return isinstance(device, Controller) and device.type == "pci"


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


def _rank(device: DeviceInfo) -> int:
    return _RANKS.get(type(device), len(_RANKS))
