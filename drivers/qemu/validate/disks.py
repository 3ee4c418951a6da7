# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that QEMU cannot have: formats, buses, addresses, and what may be shared."""

from __future__ import annotations

import re

from conf.domain import Domain
from conf.domain.devices.address import Address, DriveAddress, UnassignedAddress, USBAddress
from conf.domain.devices.disk import Disk, DiskDriver, Transient
from drivers.common.drives import is_scsi, place_of
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.devices.filesystem import shares_memory
from drivers.qemu.validate.images import layers, validate_image
from drivers.qemu.validate.question import Question
from virtd.errors import Code, VirtError

#: Formats that QEMU can serve to more than one guest.
_SHAREABLE = ("raw", None)
_SERIAL = re.compile(r"[A-Za-z0-9_\-. +]*", re.ASCII)
_PARTITION = re.compile(r"(?:hd|sd|vd|xvd|ubd)[a-z]+[0-9]+", re.ASCII)
#: QEMU's bound on bytes and requests a second.
_HIGHEST_LIMIT = 10**15


def validate_disk(disk: Disk, question: Question) -> None:
    """One disk, as it is or as it would be added.

    Raises:
        VirtError: QEMU has no such disk.
    """
    domain = question.domain
    if disk.type == "vhostuser" and not shares_memory(domain):
        raise unsupported("'vhostuser' requires shared memory")
    driver = disk.driver
    if disk.address is not None:
        _validate_address(disk.address, disk, domain)
    _validate_bus(disk)
    if driver is not None:
        _validate_driver(driver, disk, domain)
    if disk.transient is not None:
        _validate_transient(disk.transient, disk)
    _validate_identity(disk)
    for layer in layers(disk):
        validate_image(layer)
    if disk.shareable and (driver.type if driver else None) not in _SHAREABLE:
        raise unsupported(f"shared access for disk '{disk.target.dev}' requires use of supported storage format")


def _validate_address(address: Address, disk: Disk, domain: Domain) -> None:
    bus = disk.target.bus
    if isinstance(address, DriveAddress):
        _validate_drive(address, bus, domain)
    if bus == "usb" and not isinstance(address, USBAddress | UnassignedAddress):
        raise VirtError(Code.INTERNAL_ERROR, "unexpected address type for usb disk")
    if bus == "virtio" and address.type not in ("pci", "ccw", "virtio-mmio", "virtio-s390", "unassigned"):
        raise unsupported(f"virtio disk cannot have an address of type '{address.type}'")


def _validate_drive(address: DriveAddress, bus: str | None, domain: Domain) -> None:
    """QEMU's controllers do not have all that an address can say."""
    match bus:
        case "scsi":
            if address.bus:
                raise VirtError(Code.INTERNAL_ERROR, "SCSI controller only supports 1 bus")
            if address.target and _scsi_model(domain, address.controller) == "lsilogic":
                raise unsupported("target must be 0 for controller model 'lsilogic'")
        case "ide":
            if address.controller:
                raise VirtError(Code.INTERNAL_ERROR, "Only 1 IDE controller is supported")
            if address.target:
                raise unsupported("target must be 0 for ide controller")
        case "sata":
            if address.bus:
                raise unsupported("bus must be 0 for sata controller")
            if address.target:
                raise unsupported("target must be 0 for sata controller")
        case "fdc":
            if address.controller:
                raise VirtError(Code.INTERNAL_ERROR, "Only 1 fdc controller is supported")
            if address.bus:
                raise VirtError(Code.INTERNAL_ERROR, "Only 1 fdc bus is supported")
            if address.target:
                raise unsupported("target must be 0 for controller fdc")


def _scsi_model(domain: Domain, index: int) -> str | None:
    return next((c.model for c in domain.devices.controllers if c.type == "scsi" and c.index == index), None)


def _validate_iothread(thread: int, disk: Disk, domain: Domain) -> None:
    if disk.target.bus != "virtio":
        raise unsupported(f"IOThreads not available for bus {disk.target.bus} target {disk.target.dev}")
    if thread not in domain.all_iothread_ids():
        raise unsupported(f"Disk iothread '{thread}' not defined in iothreadid")


def _validate_bus(disk: Disk) -> None:
    device, bus, name = disk.device, disk.target.bus, disk.target.dev
    if device == "lun" and bus not in ("virtio", "scsi"):
        raise unsupported(f"disk device='lun' is not supported for bus='{bus}'")
    if device == "cdrom" and bus in ("virtio", "sd"):
        raise unsupported(f"disk type of '{name}' does not support ejectable media")
    if device == "disk" and bus in ("ide", "sata") and disk.readonly:
        raise unsupported(f"readonly {bus} disks are not supported")
    if device in ("disk", "lun") and _PARTITION.fullmatch(name or ""):
        raise unsupported(f"invalid disk target '{name}', partitions can't appear in disk targets")


def _validate_driver(driver: DiskDriver, disk: Disk, domain: Domain) -> None:
    name = disk.target.dev
    if driver.iothread:
        _validate_iothread(driver.iothread, disk, domain)
    if driver.name not in (None, "qemu"):
        raise unsupported(f"unsupported driver name '{driver.name}' for disk '{name}'")
    if driver.io == "native" and driver.cache not in ("none", "directsync"):
        raise unsupported("io='native' needs either no disk cache or directsync cache mode")
    if driver.copy_on_read:
        if disk.readonly:
            raise unsupported(f"copy_on_read is not compatible with read-only disk '{name}'")
        if disk.device == "floppy":
            raise unsupported(f"copy_on_read is not supported with removable disk '{name}'")
        if disk.device == "lun":
            raise unsupported(f"copy_on_read is not compatible with 'lun' disk '{name}'")


def _validate_transient(transient: Transient, disk: Disk) -> None:
    if disk.device != "disk":
        raise unsupported(f"transient disk supported only with 'disk' device ({disk.target.dev})")
    if transient.share_backing and disk.target.bus not in ("usb", "virtio", "scsi"):
        raise unsupported(f"disk bus '{disk.target.bus}' doesn't support transiend disk backing image sharing")


def _validate_identity(disk: Disk) -> None:
    """What the guest reads of its disk."""
    bus = disk.target.bus
    if disk.target.rotation_rate:
        if bus not in ("scsi", "ide", "sata"):
            raise VirtError(Code.INTERNAL_ERROR, "rotation rate is only valid for SCSI/IDE/SATA bus")
        if disk.device != "disk":
            raise VirtError(Code.INTERNAL_ERROR, "rotation rate is only valid for disk device")
    if disk.geometry is not None:
        if bus in ("usb", "sd"):
            raise unsupported(f"CHS geometry can not be set for '{bus}' bus")
        if disk.geometry.trans is not None and bus != "ide":
            raise unsupported(f"CHS translation mode can only be set for 'ide' bus not '{bus}'")
    if disk.serial is not None and not _SERIAL.fullmatch(disk.serial):
        raise VirtError(Code.INTERNAL_ERROR, f"driver serial '{disk.serial}' contains unsafe characters")
    if disk.wwn is not None and bus not in ("ide", "scsi"):
        raise unsupported("Only ide and scsi disk support wwn")
    if bus != "scsi" and (disk.vendor or disk.product):
        raise unsupported("Only scsi disk supports vendor and product")


def validate_throttling(domain: Domain) -> None:
    """Limits of disks are such that QEMU can keep; disks of one group have the same.

    Raises:
        VirtError: they are not.
    """
    groups: dict[str, Disk] = {}
    for disk in domain.devices.disks:
        tune = disk.iotune
        if tune is None:
            continue
        limits = {name: value for name, value in tune.__dict__.items() if name != "group_name" and value}
        if any(value > _HIGHEST_LIMIT for name, value in limits.items() if not name.endswith("_length")):
            raise VirtError(
                Code.ARGUMENT_UNSUPPORTED, f"block I/O throttle limit must be no more than {_HIGHEST_LIMIT} using QEMU"
            )
        if tune.group_name is None:
            continue
        if not limits:
            raise unsupported("group_name can be configured only together with settings")
        other = groups.setdefault(tune.group_name, disk)
        if other.iotune != tune:
            raise unsupported(f"different iotunes for disks {other.target.dev} and {disk.target.dev}")


def validate_hostdev_places(domain: Domain) -> None:
    """SCSI devices of the host and disks, which share controllers, are in different places.

    Raises:
        VirtError: they are not, or in one that the controller does not have.
    """
    hostdevs = [hostdev for hostdev in domain.devices.hostdevs if is_scsi(hostdev)]
    if not hostdevs:
        return
    disks = {place_of(d): d for d in domain.devices.disks if d.target.bus == "scsi"}
    seen: set[object] = set()
    for hostdev in hostdevs:
        place = place_of(hostdev)
        if place is None:
            continue
        if place[2] and _scsi_model(domain, place[0]) == "lsilogic":
            raise unsupported("target must be 0 for controller model 'lsilogic'")
        where = f"controller='{place[0]}' bus='{place[1]}' target='{place[2]}' unit='{place[3]}'"
        if place in seen:
            raise unsupported(f"SCSI host address {where} in use by another SCSI host device")
        if place in disks:
            raise unsupported(f"SCSI host address {where} in use by another SCSI disk")
        seen.add(place)
