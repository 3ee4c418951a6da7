# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of PC chipsets that have a place of their own."""

from __future__ import annotations

from conf.domain.devices.address import PCIAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.video import Video
from drivers.qemu import machines
from drivers.qemu.addresses.pci import PciAddress
from drivers.qemu.addresses.pci_buses import ENDPOINTS
from drivers.qemu.addresses.pci_guest import wants_pci
from drivers.qemu.addresses.pci_placement import PciPlacement, address_of
from virtd.errors import Code, VirtError

#: What sits on the bus of a PC without being in its XML.
PIIX3_BRIDGE = PciAddress(0, 1)
ICH9_BRIDGES = (PciAddress(0, 0x1F, 0), PciAddress(0, 0x1F, 3))

PIIX3_IDE = PciAddress(0, 1, 1)
PIIX3_USB = PciAddress(0, 1, 2)
_ICH9_SATA = PciAddress(0, 0x1F, 2)
_ICH9_USB = (PciAddress(0, 0x1D), PciAddress(0, 0x1A))
_ICH9_AUDIO = PciAddress(0, 0x1B)
_DMI_BRIDGE = PciAddress(0, 0x1E)
_I440FX_VIDEO = PciAddress(0, 2)
_Q35_VIDEO = PciAddress(0, 1)


def place_chipset_devices(placement: PciPlacement) -> None:
    """Give the devices of the machine's chipset their places, and keep others away from them.

    Raises:
        VirtError: one of them was given another address, or its place is taken.
    """
    if machines.is_i440fx(placement.guest.domain):
        _place_i440fx(placement)
    elif machines.is_q35(placement.guest.domain):
        _place_q35(placement)


def _place_i440fx(placement: PciPlacement) -> None:
    for controller in placement.guest.domain.devices.controllers:
        if is_piix3_ide(controller):
            _insist(placement, controller, PIIX3_IDE, "Primary IDE controller must have PCI address 0:0:1.1")
        elif is_piix3_usb(controller):
            _insist(placement, controller, PIIX3_USB, "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2")
    if placement.addresses.buses:
        placement.addresses.reserve(PIIX3_BRIDGE, ENDPOINTS, from_config=True)
    _place_primary_video(placement, _I440FX_VIDEO)


def is_piix3_ide(controller: Controller) -> bool:
    """The IDE controller in the chipset."""
    return controller.type == "ide" and controller.index == 0


def is_piix3_usb(controller: Controller) -> bool:
    """The USB controller in the chipset."""
    return controller.type == "usb" and controller.index == 0 and controller.model in ("piix3-uhci", None)


def _place_q35(placement: PciPlacement) -> None:
    for controller in placement.guest.domain.devices.controllers:
        if controller.type == "sata" and controller.index == 0:
            _insist(placement, controller, _ICH9_SATA, "Primary SATA controller must have PCI address 0:0:1f.2")
        elif controller.type == "usb" and controller.model == "ich9-uhci1":
            _prefer(placement, controller, *_ICH9_USB)
        elif controller.type == "pci" and controller.model == "dmi-to-pci-bridge":
            _prefer(placement, controller, _DMI_BRIDGE)
    if placement.addresses.buses:
        for address in ICH9_BRIDGES:
            placement.addresses.reserve(address, ENDPOINTS, from_config=True)
    _place_primary_video(placement, _Q35_VIDEO)
    for sound in placement.guest.domain.devices.sounds:
        if sound.model == "ich9":
            _prefer(placement, sound, _ICH9_AUDIO)


def _insist(placement: PciPlacement, device: DeviceInfo, address: PciAddress, complaint: str) -> None:
    """The device is there or nowhere."""
    given = address_of(device)
    if wants_pci(device) or not isinstance(device.address, PCIAddress):
        placement.place(device, address)
    elif given is not None and given != address:
        raise VirtError(Code.INTERNAL_ERROR, complaint)


def _prefer(placement: PciPlacement, device: DeviceInfo, *addresses: PciAddress) -> None:
    """The first of these slots that is free, or any other later."""
    if not wants_pci(device):
        return
    free = next((a for a in addresses if not _in_use(placement, a)), None)
    if free is not None:
        placement.place(device, free)


def _place_primary_video(placement: PciPlacement, address: PciAddress) -> None:
    video = next(iter(placement.guest.domain.devices.videos), None)
    if video is None or not _takes_slot(video) or not wants_pci(video):
        return
    if _in_use(placement, address):
        placement.place_next(video)
    else:
        placement.place(video, address)


def _in_use(placement: PciPlacement, address: PciAddress) -> bool:
    return placement.addresses.functions(address.bus, address.slot) != 0


def _takes_slot(video: Video) -> bool:
    return video.model is not None and video.model.type not in ("none", "ramfb")
