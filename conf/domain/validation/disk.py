# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<disk>`."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain.devices.address import DriveAddress
from conf.domain.devices.disk import Disk, DiskDriver, IOTune
from conf.domain.devices.encryption import Encryption
from conf.domain.domain import Domain
from conf.domain.validation.virtio import refuse_virtio_options
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

_WITH_AUTH = ("rbd", "iscsi", "http", "https", "ftp", "ftps", "ssh")
_HARD_DISK_NAMES = ("hd", "sd", "vd", "xvd", "ubd")


def check_disk(disk: Disk, _domain: Domain) -> None:
    """Raise ConfError for what no hypervisor could do."""
    _check_bus(disk)
    if disk.driver is not None and disk.target.bus != "virtio":
        _check_driver(disk.driver)
    _check_target(disk)
    _check_name(disk)
    _check_source(disk)
    _check_lun(disk)
    if disk.iotune is not None:
        _check_iotune(disk.iotune)
    if disk.type == "vhostuser":
        _check_vhostuser(disk)
    disk.check_source()


def _check_bus(disk: Disk) -> None:
    bus, device = disk.target.bus, disk.device
    address = disk.address
    if bus in ("fdc", "ide", "scsi", "sata") and address is not None and not isinstance(address, DriveAddress):
        raise ConfigUnsupportedError(
            f"Invalid address type '{address.type}' for the disk '{disk.target.dev}' with the bus type '{bus}'"
        )
    if device == "floppy" and bus != "fdc":
        raise InternalError(f"Invalid bus type '{bus}' for floppy disk")
    if device != "floppy" and bus == "fdc":
        raise InternalError("Invalid bus type 'fdc' for disk")
    if disk.model is not None and bus != "virtio":
        raise ConfigUnsupportedError(f"disk model '{disk.model}' not supported for bus '{bus}'")


def _check_name(disk: Disk) -> None:
    name = disk.target.dev or ""
    if disk.device == "floppy" and not name.startswith("fd"):
        raise InternalError(f"Invalid floppy device name: {disk.target.dev}")
    if disk.device in ("disk", "lun") and not name.startswith(_HARD_DISK_NAMES):
        raise InternalError(f"Invalid harddisk device name: {disk.target.dev}")


def _check_driver(driver: DiskDriver) -> None:
    """What only virtio disks can be told."""
    if driver.queues:
        raise ConfigUnsupportedError("queues attribute in disk driver element is only supported by virtio-blk")
    for name in ("event_idx", "ioeventfd"):
        if getattr(driver, name) is not None:
            raise ConfigUnsupportedError(f"disk {name} mode supported only for virtio bus")
    refuse_virtio_options(driver)


def _check_target(disk: Disk) -> None:
    target = disk.target
    if target.removable is not None and target.bus != "usb":
        raise XMLError("removable is only valid for usb disks")
    if target.tray == "open" and disk.device not in ("cdrom", "floppy"):
        raise ConfigUnsupportedError("tray is only valid for cdrom and floppy")


def _check_source(disk: Disk) -> None:
    source = disk.source
    _check_encryption(disk.encryption)
    if source is None:
        return
    _check_encryption(source.encryption)
    if source.namespace == 0:
        raise ConfigUnsupportedError("NVMe namespace can't be zero")
    if source.reservations is not None and disk.device != "lun":
        raise ConfigUnsupportedError("<reservations/> allowed only for lun devices")
    if (disk.auth or source.auth) and source.protocol not in (None, *_WITH_AUTH):
        raise ConfigUnsupportedError(f"authentication is not supported for protocol '{source.protocol}'")
    policy = source.startup_policy
    if policy is not None and disk.type == "network":
        raise XMLError(f"disk startupPolicy '{policy}' is not allowed for disk of 'network' type")
    if policy == "requisite" and disk.device not in ("cdrom", "floppy"):
        raise XMLError("disk startupPolicy 'requisite' is allowed only for cdrom or floppy")


def _check_encryption(encryption: Encryption | None) -> None:
    """How data are encrypted stands in the image."""
    if encryption is None:
        return
    if encryption.cipher is not None:
        raise ConfigUnsupportedError("supplying <cipher> for domain disk definition is unnecessary")
    if encryption.ivgen is not None:
        raise ConfigUnsupportedError("supplying <ivgen> for domain disk definition is unnecessary")


def _check_lun(disk: Disk) -> None:
    """A device passed through as SCSI unit, and what only that may ask for."""
    if disk.sgio == "unfiltered":
        raise ConfigUnsupportedError("unfiltered sgio is no longer supported")
    if disk.device != "lun":
        if disk.rawio is not None:
            raise ConfigUnsupportedError("rawio can be used only with device='lun'")
        if disk.sgio is not None:
            raise ConfigUnsupportedError("sgio can be used only with device='lun'")
        return
    protocol = disk.source.protocol if disk.source else None
    if disk.type == "network" and protocol != "iscsi":
        raise ConfigUnsupportedError(f"disk device='lun' is not supported for protocol='{protocol}'")
    if disk.type not in ("block", "network", "volume"):
        raise ConfigUnsupportedError("disk device='lun' is only valid for block type disk source")


def _check_iotune(tune: IOTune) -> None:
    """A limit for all excludes limits for reads and writes."""
    for kind in ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max"):
        total, parts = getattr(tune, f"total_{kind}"), (getattr(tune, f"read_{kind}"), getattr(tune, f"write_{kind}"))
        if total and any(parts):
            raise XMLError(f"total and read/write {kind} cannot be set at the same time")


def _check_vhostuser(disk: Disk) -> None:
    """The other process serves the disk: nothing about its image can be asked of us."""
    if disk.target.bus != "virtio":
        raise ConfigUnsupportedError("vhostuser disk supports only virtio bus")
    if disk.snapshot not in (None, "no"):
        raise ConfigUnsupportedError("only snapshot=no is supported with vhostuser disk")
    for option, value in _vhostuser_options(disk):
        if value:
            raise ConfigUnsupportedError(f"{option} is not supported with vhostuser disk")


def _vhostuser_options(disk: Disk) -> Iterator[tuple[str, object]]:
    driver = disk.driver
    yield "backingStore", disk.backing_store is not None
    yield "geometry", disk.geometry
    yield "blockio", disk.blockio
    yield "serial", disk.serial
    yield "wwn", disk.wwn
    yield "vendor", disk.vendor
    yield "product", disk.product
    yield "encryption", disk.encryption or (disk.source and disk.source.encryption)
    yield "iotune", disk.iotune
    if driver is not None:
        yield "cache", driver.cache not in (None, "default")
        yield "error_policy", driver.error_policy or driver.rerror_policy
        yield "io", driver.io
        yield "ioeventfd", driver.ioeventfd is not None
        yield "copy_on_read", driver.copy_on_read is not None
        yield "discard", driver.discard
        yield "iothread", driver.iothread
        yield "detect_zeroes", driver.detect_zeroes
        yield "metadata_cache", driver.metadata_cache
    yield "readonly", disk.readonly
    yield "shareable", disk.shareable
    yield "transient", disk.transient


def check_disks(domain: Domain) -> None:
    """Raise ConfError for two disks of one name or in one place."""
    disks = domain.devices.disks
    named: dict[str | None, Disk] = {}
    for disk in disks:
        other = named.setdefault(disk.target.dev, disk)
        if other is not disk:
            raise XMLError(
                f"target '{disk.target.dev}' duplicated for disk sources "
                f"'{_source_text(other)}' and '{_source_text(disk)}'"
            )
    _check_drive_addresses(disks)


def _source_text(disk: Disk) -> str:
    source = disk.source
    if source is not None and source.protocol in ("rbd", "gluster"):
        return (source.name or "").partition("/")[2]
    return (source and (source.local_path or source.name)) or "(null)"


def _check_drive_addresses(disks: list[Disk]) -> None:
    seen: set[tuple[str | None, int, int, int, int]] = set()
    for disk in disks:
        address = disk.address
        if not isinstance(address, DriveAddress):
            continue
        place = (disk.target.bus, address.controller, address.bus, address.target, address.unit)
        if place in seen:
            raise ConfigUnsupportedError(
                f"Found duplicate drive address for disk with target name '{disk.target.dev}' "
                f"controller='{address.controller}' bus='{address.bus}' "
                f"target='{address.target}' unit='{address.unit}'"
            )
        seen.add(place)
