# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that QEMU cannot have: formats, buses, addresses, and what may be shared."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import DriveAddress, UnassignedAddress, USBAddress
from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Encryption
from drivers.qemu import machines
from drivers.qemu.addresses.drive import is_scsi, place_of
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.devices.filesystem import shares_memory
from virtd.errors import Code, VirtError

#: Formats that QEMU can serve to more than one guest.
_SHAREABLE = ("raw", None)
#: Formats QEMU has no driver for any more.
_GONE = ("aio", "cow", "iso", "vhd", "ploop")
_ENCRYPTED = ("raw", "qcow2", None)


def validate_disks(domain: Domain) -> None:
    """All disks are such as QEMU has.

    Raises:
        VirtError: one is not, or a host device is in its place.
    """
    for disk in domain.devices.disks:
        validate_disk(disk, domain)
        if disk.type == "vhostuser" and not shares_memory(domain):
            raise unsupported("'vhostuser' requires shared memory")
    _validate_hostdev_places(domain)


def validate_disk(disk: Disk, domain: Domain) -> None:
    """One disk, as it is or as it would be added.

    Raises:
        VirtError: QEMU has no such disk.
    """
    _validate_address(disk)
    _validate_drive(disk, domain)
    _validate_bus(disk)
    _validate_iothread(disk, domain)
    _validate_image(disk)
    if disk.shareable and (disk.driver.type if disk.driver else None) not in _SHAREABLE:
        raise unsupported(f"shared access for disk '{disk.target.dev}' requires use of supported storage format")


def _validate_address(disk: Disk) -> None:
    address, bus = disk.address, disk.target.bus
    if address is None or isinstance(address, UnassignedAddress):
        return
    if bus == "usb" and not isinstance(address, USBAddress):
        raise VirtError(Code.INTERNAL_ERROR, "unexpected address type for usb disk")
    if bus == "virtio" and address.type not in ("pci", "ccw", "virtio-mmio", "virtio-s390"):
        raise unsupported(f"virtio disk cannot have an address of type '{address.type}'")


def _validate_drive(disk: Disk, domain: Domain) -> None:
    """QEMU's controllers do not have all that an address can say."""
    address, bus = disk.address, disk.target.bus
    if not isinstance(address, DriveAddress):
        return
    match bus:
        case "scsi":
            if address.bus:
                raise VirtError(Code.INTERNAL_ERROR, "SCSI controller only supports 1 bus")
            if address.target and _scsi_model(domain, address.controller) == "lsilogic":
                raise unsupported("target must be 0 for controller model 'lsilogic'")
        case "ide":
            if address.controller and machines.has_builtin_ide(domain):
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


def _validate_iothread(disk: Disk, domain: Domain) -> None:
    thread = disk.driver.iothread if disk.driver else None
    if not thread:
        return
    if disk.target.bus != "virtio":
        raise unsupported(f"IOThreads not available for bus {disk.target.bus} target {disk.target.dev}")
    if thread not in domain.all_iothread_ids():
        raise unsupported(f"Disk iothread '{thread}' not defined in iothreadid")


def _validate_bus(disk: Disk) -> None:
    bus = disk.target.bus
    if bus in ("xen", "uml"):
        raise unsupported(f"unsupported disk bus '{bus}' with device setup")
    if disk.device == "lun" and bus not in ("virtio", "scsi"):
        raise unsupported(f"disk device='lun' is not supported for bus='{bus}'")
    if disk.device == "cdrom" and bus == "virtio":
        raise unsupported(f"disk type of '{disk.target.dev}' does not support ejectable media")
    if bus != "scsi" and (disk.vendor or disk.product):
        raise unsupported("Only scsi disk supports vendor and product")


def _validate_image(disk: Disk) -> None:
    format_ = disk.driver.type if disk.driver else None
    if format_ in _GONE:
        raise unsupported(f"'{format_}' storage format is not supported")
    if format_ == "dir":
        raise unsupported("'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead")
    if disk.driver and disk.driver.metadata_cache and format_ != "qcow2":
        raise unsupported("metadata cache max size control is supported only with qcow2 images")
    encryption = disk.encryption or (disk.source.encryption if disk.source else None)
    if encryption is not None:
        _validate_encryption(encryption, disk)


def _validate_encryption(encryption: Encryption, disk: Disk) -> None:
    if encryption.engine == "librbd":
        if not disk.source or disk.source.protocol != "rbd":
            raise unsupported("librbd encryption is supported only with RBD backed disks")
    elif disk.driver and disk.driver.type not in _ENCRYPTED:
        raise unsupported("encryption is supported only with 'raw' and 'qcow2' image format")


def _validate_hostdev_places(domain: Domain) -> None:
    """SCSI devices of the host and disks share controllers."""
    disks = {place_of(d): d for d in domain.devices.disks if d.target.bus == "scsi"}
    seen: set[object] = set()
    for hostdev in filter(is_scsi, domain.devices.hostdevs):
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
