# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of PC chipsets that have a place of their own."""

from __future__ import annotations

from dataclasses import dataclass, field

from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.info import DeviceInfo
from drivers.qemu import machines
from drivers.qemu.addresses.pci import PciAddress
from drivers.qemu.addresses.pci_buses import ENDPOINTS
from drivers.qemu.addresses.pci_guest import PciDevice, PciGuest, wants_pci
from drivers.qemu.addresses.pci_placement import PciPlacement, address_of
from virtd.errors import Code, VirtError

PIIX3_IDE = PciAddress(0, 1, 1)
PIIX3_USB = PciAddress(0, 1, 2)
_PIIX3_BRIDGES = (PciAddress(0, 1),)
_I440FX_VIDEO = PciAddress(0, 2)
_ICH9_SATA = PciAddress(0, 0x1F, 2)
_ICH9_USB = (PciAddress(0, 0x1D), PciAddress(0, 0x1A))
_ICH9_AUDIO = (PciAddress(0, 0x1B),)
_ICH9_BRIDGES = (PciAddress(0, 0x1F, 0), PciAddress(0, 0x1F, 3))
_DMI_BRIDGE = (PciAddress(0, 0x1E),)
_Q35_VIDEO = PciAddress(0, 1)


@dataclass(slots=True)
class Chipset:
    """A PC's chipset, and the devices of the guest that have a place of their own there.

    Attributes:
        bridges: what sits on the bus without being in the XML.
        parts: controllers that are at their place or nowhere, with the complaint about that.
        regulars: devices that take the first of their usual slots that is free, or any other later.
    """

    guest: PciGuest
    bridges: tuple[PciAddress, ...]
    video_slot: PciAddress
    parts: list[tuple[PciDevice, PciAddress, str]] = field(default_factory=list)
    regulars: list[tuple[PciDevice, tuple[PciAddress, ...]]] = field(default_factory=list)

    def add_part(self, device: DeviceInfo, place: PciAddress, complaint: str) -> None:
        """Note one of `parts`."""
        self.parts.append((self.guest.describe(device), place, complaint))

    def add_regular(self, device: DeviceInfo, places: tuple[PciAddress, ...]) -> None:
        """Note one of `regulars`, unless it is somewhere already."""
        if wants_pci(device):
            self.regulars.append((self.guest.describe(device), places))

    @property
    def video(self) -> PciDevice | None:
        """The first display adapter, if it is to be placed."""
        video = next(iter(self.guest.domain.devices.videos), None)
        if video is None or video.model is None or video.model.type in ("none", "ramfb") or not wants_pci(video):
            return None
        return self.guest.describe(video)


def chipset_of(guest: PciGuest) -> Chipset | None:
    """The guest's chipset, if it is a PC with one."""
    if machines.is_i440fx(guest.domain):
        return _i440fx(guest)
    return _q35(guest) if machines.is_q35(guest.domain) else None


def _i440fx(guest: PciGuest) -> Chipset:
    chipset = Chipset(guest, _PIIX3_BRIDGES, _I440FX_VIDEO)
    for controller in guest.domain.devices.controllers:
        if is_piix3_ide(controller):
            chipset.add_part(controller, PIIX3_IDE, "Primary IDE controller must have PCI address 0:0:1.1")
        elif is_piix3_usb(controller):
            chipset.add_part(controller, PIIX3_USB, "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2")
    return chipset


def is_piix3_ide(controller: Controller) -> bool:
    """The IDE controller in the chipset."""
    return controller.type == "ide" and controller.index == 0


def is_piix3_usb(controller: Controller) -> bool:
    """The USB controller in the chipset."""
    return controller.type == "usb" and controller.index == 0 and controller.model in ("piix3-uhci", None)


def _q35(guest: PciGuest) -> Chipset:
    chipset = Chipset(guest, _ICH9_BRIDGES, _Q35_VIDEO)
    for controller in guest.domain.devices.controllers:
        if controller.type == "sata" and controller.index == 0:
            chipset.add_part(controller, _ICH9_SATA, "Primary SATA controller must have PCI address 0:0:1f.2")
        elif controller.type == "usb" and controller.model == "ich9-uhci1":
            chipset.add_regular(controller, _ICH9_USB)
        elif controller.type == "pci" and controller.model == "dmi-to-pci-bridge":
            chipset.add_regular(controller, _DMI_BRIDGE)
    for sound in guest.domain.devices.sounds:
        if sound.model == "ich9":
            chipset.add_regular(sound, _ICH9_AUDIO)
    return chipset


def place_chipset_devices(placement: PciPlacement, chipset: Chipset | None) -> None:
    """Give the devices of the machine's chipset their places, and keep others away from them.

    Raises:
        VirtError: one of them was given another address, or its place is taken.
    """
    if chipset is None:
        return
    addresses = placement.addresses
    for part, place, complaint in chipset.parts:
        _insist(placement, part, place, complaint)
    for regular, places in chipset.regulars:
        free = next((place for place in places if not addresses.slot_in_use(place)), None)
        if free is not None:
            placement.place(regular, free)
    if addresses.buses:
        for place in chipset.bridges:
            addresses.reserve(place, ENDPOINTS, from_config=True)
    video = chipset.video
    if video is None:
        return
    if addresses.slot_in_use(chipset.video_slot):
        placement.conclusive = False
        placement.place_next(video)
    else:
        placement.place(video, chipset.video_slot)


def _insist(placement: PciPlacement, part: PciDevice, place: PciAddress, complaint: str) -> None:
    """The device is there or nowhere."""
    given = address_of(part.device)
    if wants_pci(part.device) or not isinstance(part.device.address, PCIAddress):
        placement.place(part, place)
    elif given is not None and given != place:
        raise VirtError(Code.INTERNAL_ERROR, complaint)
