# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that come and go."""

from __future__ import annotations

from conf.domain.devices.address import DriveAddress
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from drivers.common.disk_names import disk_index
from drivers.common.drives import drive_place
from drivers.common.images.layers import layers_of
from drivers.common.iotune import is_limited
from drivers.qemu import commands
from drivers.qemu.block import access, storage, tuning
from drivers.qemu.block import commands as block
from drivers.qemu.block.chains import prepare_disks
from drivers.qemu.block.nodes import disk_nodes
from drivers.qemu.command.disks import disk_objects, disk_props
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug.session import Plug, quietly
from virtd.errors import Code, From, VirtError

#: Buses whose disks can be plugged into a running guest.
HOTPLUG_BUSES = ("virtio", "scsi", "usb")


def check(guest: Guest, disk: Disk) -> None:
    """Refuse disks that no running guest can take.

    Raises:
        VirtError: OPERATION_UNSUPPORTED, or a device of that name is there.
    """
    devices = guest.require_active().devices
    for other in devices.disks:
        if other.target.dev == disk.target.dev:
            sources = f"'{_shown(other)}' and '{_shown(disk)}'"
            text = f"target '{disk.target.dev}' duplicated for disk sources {sources}"
            raise VirtError(Code.XML_ERROR, text, source=From.DOMAIN)
    if disk.device == "floppy":
        raise VirtError(Code.OPERATION_UNSUPPORTED, "floppy device hotplug isn't supported")
    if disk.target.bus in HOTPLUG_BUSES:
        return
    controller = drive_place(disk.target.bus or "", disk_index(disk.target.dev or "") or 0)[0]
    if disk.target.bus in ("ide", "sata") and not _has_controller(guest, disk.target.bus, controller):
        text = f"Could not find {disk.target.bus} controller with index {controller} required for device"
        raise VirtError(Code.INTERNAL_ERROR, text, source=From.DOMAIN)
    raise VirtError(Code.OPERATION_UNSUPPORTED, f"disk bus '{disk.target.bus}' cannot be hotplugged.")


def _shown(disk: Disk) -> str:
    return (disk.source.local_path if disk.source is not None else None) or "(null)"


def _has_controller(guest: Guest, kind: str, index: int) -> bool:
    return any((c.type, c.index) == (kind, index) for c in guest.require_active().devices.controllers)


def needed_controller(guest: Guest, disk: Disk) -> Controller | None:
    """The SCSI controller that a disk is for and the guest has not got."""
    address = disk.address
    if disk.target.bus != "scsi" or not isinstance(address, DriveAddress):
        return None
    if _has_controller(guest, "scsi", address.controller):
        return None
    return Controller(type="scsi", index=address.controller)


async def plug(work: Plug, disk: Disk) -> None:
    """Open the images, then plug the disk in."""
    guest = work.guest
    runtime = guest.runtime
    assert runtime is not None
    user = access.whom(guest)
    last = runtime.block.last_index
    runtime.block.last_index = await prepare_disks([disk], last, user=(user.uid, user.gid) if user else None)
    layers = layers_of(disk)
    work.undo.push_async_callback(access.revoke, guest, layers)
    await access.grant(guest, layers)
    build = work.build
    for properties in disk_objects(build, disk):
        await work.add_object(properties)
    for node in disk_nodes(disk):
        await block.blockdev_add(work.monitor, node)
        work.undo.push_async_callback(quietly, block.blockdev_del, work.monitor, node["node-name"])
    await work.add_device(disk, disk_props(build, disk))
    if disk.iotune is not None and is_limited(disk.iotune) and layers:
        await tuning.apply(work.monitor, disk, disk.iotune)


async def release(guest: Guest, disk: Disk) -> None:
    """The guest let go of the disk: close its images and give them back."""
    for node in reversed(disk_nodes(disk)):
        await quietly(block.blockdev_del, guest.monitor, node["node-name"])
    for layer in layers_of(disk):
        if layer.source.tls:
            await quietly(commands.object_del, guest.monitor, storage.tls_credentials(layer))
        if layer.source.reservations is not None and not layer.source.reservations.managed:
            await quietly(commands.object_del, guest.monitor, storage.pr_manager(layer) or "")
    await access.revoke(guest, layers_of(disk))
