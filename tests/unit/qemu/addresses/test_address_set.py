# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses of devices that come and go while a guest is defined."""

from __future__ import annotations

import pytest

from conf.domain import Domain
from conf.domain.devices.address import DriveAddress, PCIAddress, USBAddress
from conf.domain.devices.disk import Disk, DiskTarget
from conf.domain.devices.input import Input
from conf.domain.devices.storage_source import StorageSource
from drivers.qemu.addresses.address_set import AddressSet
from tests.fakes.emulators import FakeEmulator, define
from virtd.errors import VirtError


def disk(dev: str, bus: str) -> Disk:
    return Disk.model_validate(
        {"source": StorageSource(file="/a"), "target": DiskTarget.model_validate({"dev": dev, "bus": bus})}
    )


def addresses(domain: Domain) -> AddressSet:
    return AddressSet(domain, FakeEmulator())


def test_a_hotplugged_disk_takes_the_spare_port() -> None:
    domain = define(machine="q35")
    plugged = addresses(domain)
    first, second = disk("vda", "virtio"), disk("vdb", "virtio")
    plugged.assign_device(first, live=True)
    assert isinstance(first.address, PCIAddress)
    assert str(first.address) == "0000:03:00.0"
    with pytest.raises(VirtError, match="No more available PCI slots"):
        plugged.assign_device(second, live=True)
    plugged.release(first)
    plugged.assign_device(second, live=True)
    assert second.address == first.address


def test_the_chipset_keeps_its_slots() -> None:
    device = disk("vda", "virtio")
    device.address = PCIAddress(slot=0x1F)
    with pytest.raises(VirtError, match="double use"):
        addresses(define(machine="q35")).assign_device(device)


def test_drives_by_name_and_once() -> None:
    domain = define("<disk type='file'><source file='/a'/><target dev='sda'/></disk>")
    device = disk("sdb", "scsi")
    addresses(domain).assign_device(device)
    assert device.address == DriveAddress(unit=1)
    with pytest.raises(VirtError, match="duplicate drive address"):
        addresses(domain).assign_device(disk("sda", "scsi"))


def test_usb_ports() -> None:
    domain = define()
    device = Input(type="tablet", bus="usb")
    addresses(domain).assign_device(device)
    assert device.address == USBAddress(bus=0, port="1")
