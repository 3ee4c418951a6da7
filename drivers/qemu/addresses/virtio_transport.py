# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines on which virtio devices are no PCI devices: channels on S/390, memory-mapped on old ARM boards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conf.domain import Domain
from conf.domain.devices.address import CCWAddress, VirtioMMIOAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.rng import RNG
from conf.domain.devices.video import Video
from conf.domain.devices.vsock import Vsock
from drivers.qemu import machines
from drivers.qemu.addresses.ccw_devnos import CcwAddress, CcwAddressSet
from drivers.qemu.facts import EmulatorFacts


def assign_virtio_transport(domain: Domain, emulator: EmulatorFacts) -> None:
    """Addresses for virtio devices that lack one, where PCI is not the machine's usual way.

    Raises:
        VirtError: XML_ERROR, a CCW number is used twice.
    """
    if machines.is_s390_ccw(domain):
        _assign_ccw(domain)
    elif _uses_mmio(domain, emulator):
        for device in virtio_devices(domain):
            if device.address is None:
                device.address = VirtioMMIOAddress()


def _uses_mmio(domain: Domain, emulator: EmulatorFacts) -> bool:
    """Old boards have nothing else; on a virtual machine one device of that kind makes it the way for all."""
    if not emulator.has("virtio-mmio"):
        return False
    if machines.is_arm(domain) and (domain.os.machine or "").startswith("vexpress-"):
        return True
    if not machines.is_arm_virt(domain) and not machines.is_riscv_virt(domain):
        return False
    mapped = any(isinstance(device.address, VirtioMMIOAddress) for device in virtio_devices(domain))
    return mapped or not machines.has_pcie_root(domain)


def virtio_devices(domain: Domain) -> Iterator[DeviceInfo]:
    """All virtio devices, in the order in which they get their channels."""
    devices = domain.devices
    on_channels = machines.is_s390_ccw(domain)
    kinds: tuple[Iterable[DeviceInfo], ...] = (
        devices.disks,
        devices.interfaces,
        devices.hostdevs,
        devices.videos,
        devices.controllers,
        devices.inputs,
        devices.filesystems if on_channels else (),
        [devices.memballoon] if devices.memballoon else (),
        devices.rngs,
        [devices.vsock] if devices.vsock and on_channels else (),
    )
    return (device for kind in kinds for device in kind if is_virtio(device))


def is_virtio(device: DeviceInfo) -> bool:
    """Whether a device sits on a channel where virtio devices do."""
    match device:
        case Disk():
            return device.target.bus == "virtio"
        case Interface():
            return device.is_virtio
        case Hostdev():
            return device.type == "scsi_host" or device.model == "vfio-ccw"
        case Video():
            return device.model is not None and device.model.type == "virtio"
        case Controller():
            return device.type in ("virtio-serial", "scsi")
        case Input():
            return device.bus == "virtio"
        case Memballoon():
            return _is_virtio_model(device.model)
    return isinstance(device, Filesystem | RNG | Vsock)


def _is_virtio_model(model: str | None) -> bool:
    return model is not None and model.startswith("virtio")


def _assign_ccw(domain: Domain) -> None:
    numbers = build_ccw(domain)
    for device in virtio_devices(domain):
        assign_channel(numbers, device)


def build_ccw(domain: Domain) -> CcwAddressSet:
    """The channel numbers of the guest that are taken.

    Raises:
        VirtError: XML_ERROR, a number is used twice.
    """
    numbers = CcwAddressSet()
    devices: list[DeviceInfo] = [*virtio_devices(domain), *domain.devices.consoles]
    for device in devices:
        address = device.address
        if isinstance(address, CCWAddress) and address.devno is not None:
            numbers.reserve(CcwAddress(address.cssid or 0, address.ssid or 0, address.devno))
    return numbers


def assign_channel(numbers: CcwAddressSet, device: DeviceInfo) -> None:
    """Give a device the next channel unless it has an address."""
    address = device.address
    if address is None or (isinstance(address, CCWAddress) and address.devno is None):
        cssid, ssid, devno = numbers.reserve_next()
        device.address = CCWAddress(cssid=cssid, ssid=ssid, devno=devno)
