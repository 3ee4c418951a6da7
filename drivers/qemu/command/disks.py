# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks: their block nodes and the device the guest sees."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain.devices.address import DriveAddress
from conf.domain.devices.disk import Disk
from drivers.common.disk_names import disk_index
from drivers.common.images.layers import chain
from drivers.qemu import machines
from drivers.qemu.block.nodes import disk_nodes, drive_node
from drivers.qemu.block.storage import cookie_secret, pr_manager, tls_credentials
from drivers.qemu.command.address import add_device, address_props, controller, controller_alias
from drivers.qemu.command.bootindex import boot_index
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, comma_list, on_off, props
from drivers.qemu.command.secrets import secret_object
from drivers.qemu.command.virtio import virtio_props
from virtd.errors import Code, VirtError

#: SCSI controllers that know of no channels and units.
_FLAT_SCSI = ("lsilogic", "ncr53c90", "dc390", "am53c974", "buslogic")

_TLS_DIRECTORY = "/etc/pki/qemu"

#: Cache mode → whether the guest's device has a write cache.
_WRITE_CACHE = {"none": True, "writeback": True, "unsafe": True, "writethrough": False, "directsync": False}
_FLOPPY_LETTERS = "AB"


def add_managed_pr_helper(build: Build, line: CommandLine) -> None:
    """The helper for persistent reservations that the daemon runs itself, once for all disks."""
    sources = [disk.source for disk in build.domain.devices.disks if disk.source is not None]
    if any(source.reservations is not None and source.reservations.managed for source in sources):
        line.add_json("-object", managed_pr_helper_props(build))


def managed_pr_helper_props(build: Build) -> Props:
    """The object that reaches the daemon's own helper."""
    path = f"{build.context.domain_dir}/pr-helper0.sock"
    return {"qom-type": "pr-manager-helper", "id": "pr-helper0", "path": path}


def add_disks(build: Build, line: CommandLine) -> None:
    """All disks."""
    _add_floppy_controller(build, line)
    for disk in build.domain.devices.disks:
        if disk.transient is not None and disk.transient.share_backing:
            # It is plugged in once its overlay is there.
            continue
        if disk.target.bus == "sd":
            line.add("-drive", _sd_drive(disk))
            continue
        for object_ in disk_objects(build, disk):
            line.add_json("-object", object_)
        for node in disk_nodes(disk):
            line.add_json("-blockdev", node)
        if disk.type == "vhostuser":
            line.add("-chardev", _vhost_user_socket(disk))
        add_device(line, disk, disk_props(build, disk))


def _add_floppy_controller(build: Build, line: CommandLine) -> None:
    """The controller, where the board has none, and which of its drives the guest may boot from."""
    drives = [disk for disk in build.domain.devices.disks if disk.target.bus == "fdc"]
    boot = {}
    for disk in drives:
        if (index := boot_index(build.domain, disk)) is not None:
            unit = disk.address.unit if isinstance(disk.address, DriveAddress) else 0
            boot[f"bootindex{_FLOPPY_LETTERS[unit]}"] = index
    if drives and machines.is_q35(build.domain):
        line.add_json("-device", {"driver": "isa-fdc", **boot})
        return
    for name, index in boot.items():
        line.add("-global", f"isa-fdc.{name}={index}")


def _sd_drive(disk: Disk) -> str:
    """Memory cards are part of their board and still take the old form."""
    source, driver = disk.source, disk.driver
    return comma_list(
        [
            ("file", source.local_path if source else None),
            ("format", driver.type if driver else None),
            ("if", "sd"),
            ("index", disk_index(disk.target.dev or "")),
            ("readonly", "on" if disk.readonly else None),
            ("cache", driver.cache if driver else None),
        ]
    )


# --- what nodes refer to ----------------------------------------------------------------------------


def disk_objects(build: Build, disk: Disk) -> Iterator[Props]:
    """The objects that the nodes of a disk refer to; they have to be there first."""
    if disk.is_empty or disk.type == "vhostuser":
        return
    for layer in chain(disk):
        reservations = layer.source.reservations
        if reservations is not None and not reservations.managed and reservations.source is not None:
            name = pr_manager(layer)
            yield {"qom-type": "pr-manager-helper", "id": name, "path": reservations.source.path}
        if layer.source.cookies:
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in layer.source.cookies)
            yield secret_object(cookie_secret(layer), cookies.encode(), build.context.master_key())
        if layer.source.tls:
            yield {
                "qom-type": "tls-creds-x509",
                "id": tls_credentials(layer),
                "dir": _TLS_DIRECTORY,
                "endpoint": "client",
                "verify-peer": True,
            }


# --- the device -------------------------------------------------------------------------------------


def disk_props(build: Build, disk: Disk) -> Props:
    """-device of a disk.

    Raises:
        VirtError: INTERNAL_ERROR, QEMU has no such disk.
    """
    bus = disk.target.bus
    maker = _BUSES.get(bus or "")
    if maker is None:
        raise VirtError(Code.INTERNAL_ERROR, f"unsupported disk bus '{bus}' with device setup")
    return props({**maker(build, disk), **_common(build, disk)})


def _common(build: Build, disk: Disk) -> Props:
    """What any kind of disk can have."""
    driver, target, geometry = disk.driver, disk.target, disk.geometry
    vhost_user = disk.type == "vhostuser"
    return {
        "share-rw": True if disk.shareable else None,
        "drive": None if vhost_user else drive_node(disk),
        "chardev": f"chr-vu-{disk.alias}" if vhost_user else None,
        "id": disk.alias,
        "bootindex": boot_index(build.domain, disk) if target.bus != "fdc" else None,
        "loadparm": disk.boot.loadparm if disk.boot else None,
        "logical_block_size": (disk.blockio.logical_block_size or None) if disk.blockio else None,
        "physical_block_size": (disk.blockio.physical_block_size or None) if disk.blockio else None,
        "wwn": int(disk.wwn, 16) if disk.wwn else None,
        "rotation_rate": target.rotation_rate or None,
        "vendor": disk.vendor,
        "product": disk.product,
        "removable": _removable(disk),
        "write-cache": _write_cache(disk),
        "cyls": geometry.cyls if geometry else None,
        "heads": geometry.heads if geometry else None,
        "secs": geometry.secs if geometry else None,
        "bios-chs-trans": geometry.trans if geometry else None,
        "serial": disk.serial.replace(" ", "\\ ") if disk.serial else None,
        "werror": _policy(driver.error_policy if driver else None, writing=True),
        "rerror": _policy(driver.rerror_policy or _same_for_reading(driver.error_policy), writing=False)
        if driver
        else None,
    }


def _removable(disk: Disk) -> bool | None:
    if disk.target.bus != "usb":
        return None
    return bool(disk.target.removable)


def _write_cache(disk: Disk) -> str | None:
    cache = disk.driver.cache if disk.driver else None
    if disk.device == "lun" or cache is None:
        return None
    return on_off(_WRITE_CACHE.get(cache))


def _same_for_reading(policy: str | None) -> str | None:
    """Without a word of its own, reading follows writing, save for a full disk, which it cannot meet."""
    return None if policy == "enospace" else policy


def _policy(policy: str | None, *, writing: bool) -> str | None:
    return {"enospace": "enospc" if writing else None}.get(policy or "", policy)


def _virtio(build: Build, disk: Disk) -> Props:
    driver = disk.driver
    kind = "vhost-user-blk" if disk.type == "vhostuser" else "virtio-blk"
    lun_by_scsi = disk.device == "lun" and build.caps.has("virtio-blk-pci.scsi")
    return {
        **virtio_props(build, kind, disk, driver, disk.model),
        "iothread": f"iothread{driver.iothread}" if driver and driver.iothread else None,
        "ioeventfd": driver.ioeventfd if driver else None,
        "event_idx": driver.event_idx if driver else None,
        "scsi": True if lun_by_scsi else None,
        "num-queues": (driver.queues or None) if driver else None,
        "queue-size": (driver.queue_size or None) if driver else None,
        **address_props(build, disk),
    }


def _drive_address(disk: Disk) -> DriveAddress:
    if not isinstance(disk.address, DriveAddress):
        raise VirtError(Code.INTERNAL_ERROR, f"unexpected address type for {disk.target.bus} disk")
    return disk.address


def _kind(disk: Disk, prefix: str) -> str:
    return f"{prefix}-{'cd' if disk.device == 'cdrom' else 'hd'}"


def _ide(_build: Build, disk: Disk) -> Props:
    address = _drive_address(disk)
    return {"driver": _kind(disk, "ide"), "bus": f"ide.{address.bus}", "unit": address.unit}


def _sata(build: Build, disk: Disk) -> Props:
    address = _drive_address(disk)
    # The board's own controller is not called what the user calls it.
    built_in = address.controller == 0 and machines.is_q35(build.domain)
    alias = "ide" if built_in else controller_alias(build, "sata", address.controller)
    return {"driver": _kind(disk, "ide"), "bus": f"{alias}.{address.unit}"}


def _scsi(build: Build, disk: Disk) -> Props:
    address = _drive_address(disk)
    adapter = controller(build, "scsi", address.controller)
    alias = controller_alias(build, "scsi", address.controller)
    driver = "scsi-block" if disk.device == "lun" else _kind(disk, "scsi")
    place: Props = {"driver": driver, "bus": f"{alias}.0"}
    if adapter is not None and adapter.model in _FLAT_SCSI:
        place["scsi-id"] = address.unit
    else:
        place |= {"channel": address.bus, "scsi-id": address.target, "lun": address.unit}
    if disk.device != "lun":
        place["device_id"] = disk.serial or f"drive-{disk.alias}"
    return place


def _usb(build: Build, disk: Disk) -> Props:
    return {"driver": "usb-storage", **address_props(build, disk)}


def _fdc(_build: Build, disk: Disk) -> Props:
    return {"driver": "floppy", "unit": _drive_address(disk).unit}


_BUSES = {"virtio": _virtio, "ide": _ide, "sata": _sata, "scsi": _scsi, "usb": _usb, "fdc": _fdc}


def _vhost_user_socket(disk: Disk) -> str:
    """The line to the process that serves the disk."""
    assert disk.source is not None
    reconnect = disk.source.reconnect
    return comma_list(
        [
            "socket",
            ("id", f"chr-vu-{disk.alias}"),
            ("path", disk.source.path),
            ("reconnect", (reconnect.timeout if reconnect.enabled else 0) if reconnect else None),
        ]
    )
