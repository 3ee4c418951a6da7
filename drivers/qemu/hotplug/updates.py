# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing a running guest's devices in place: media, cables, passwords."""

from __future__ import annotations

import contextlib
from contextlib import AsyncExitStack
from typing import Any

from conf.domain.devices.disk import Disk
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.interface import Interface
from conf.domain.devices.single import device_tag
from drivers.common.images.layers import layers_of
from drivers.qemu.block import access
from drivers.qemu.block import commands as block
from drivers.qemu.block.chains import prepare_disks
from drivers.qemu.block.nodes import disk_nodes, drive_node
from drivers.qemu.defaults.devices import complete_disk
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import disk_changes, disks, interface_updates
from drivers.qemu.hotplug.session import quietly
from drivers.qemu.lifecycle import running
from drivers.qemu.monitor import QmpError
from virtd.errors import Code, VirtError


async def update(guest: Guest, device: Any, *, force: bool) -> None:
    """Make the running guest's device what `device` says.

    Args:
        force: take a medium out even where the guest has locked its drive.

    Raises:
        VirtError: this cannot be changed while the guest runs.
    """
    if isinstance(device, Disk):
        await _disk(guest, device, force=force)
    elif isinstance(device, Interface):
        await interface_updates.update(guest, device)
    elif isinstance(device, Graphics):
        await _graphics(guest, device)
    else:
        text = f"live update of device '{device_tag(device)}' is not supported"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.OPERATION_UNSUPPORTED, text)


# -- disks


async def _disk(guest: Guest, wanted: Disk, *, force: bool) -> None:
    live = guest.require_active()
    disk = next((d for d in live.devices.disks if d.target.dev == wanted.target.dev), None)
    if disk is None:
        raise VirtError(Code.INTERNAL_ERROR, f"disk '{wanted.target.dev}' not found")
    complete_disk(wanted)
    disk_changes.check(disk, wanted)
    if _medium(disk) == _medium(wanted):
        disk.snapshot = wanted.snapshot
        if disk.source is not None and wanted.source is not None:
            disk.source.startup_policy = wanted.source.startup_policy
        return
    if disk.device not in ("cdrom", "floppy"):
        raise VirtError(Code.CONFIG_UNSUPPORTED, "disk source can be changed only in removable drives")
    await change_medium(guest, disk, wanted, force=force)


def _medium(disk: Disk) -> tuple[object, ...]:
    source = disk.source
    return (None,) if disk.is_empty or source is None else (disk.type, source.local_path, source.name, source.protocol)


async def change_medium(guest: Guest, disk: Disk, wanted: Disk, *, force: bool) -> None:
    """Take the medium of `disk` out and put that of `wanted` in.

    The new images are open before the old medium goes, so that a mistake in the new one changes nothing.

    Raises:
        VirtError: OPERATION_FAILED, the guest keeps its drive locked; or why the new one cannot be used.
    """
    async with AsyncExitStack() as undo:
        await _open(guest, wanted, undo)
        await _open_tray(guest, disk, force=force)
        with contextlib.suppress(QmpError):
            await block.blockdev_remove_medium(guest.monitor, disk.alias or "")
        node = drive_node(wanted)
        if node is not None:
            await block.blockdev_insert_medium(guest.monitor, disk.alias or "", node)
        undo.pop_all()
    with contextlib.suppress(QmpError):
        await block.blockdev_close_tray(guest.monitor, disk.alias or "")
    await disks.release(guest, disk.model_copy())
    disk.type, disk.source, disk.backing_store = wanted.type, wanted.source, wanted.backing_store
    if disk.driver is not None and wanted.driver is not None:
        disk.driver.type = wanted.driver.type


async def _open(guest: Guest, wanted: Disk, undo: AsyncExitStack) -> None:
    """Open the images of a medium that is still outside of its drive."""
    runtime, user = guest.runtime, access.whom(guest)
    assert runtime is not None
    wanted.readonly = wanted.readonly or wanted.device == "cdrom"
    last = runtime.block.last_index
    runtime.block.last_index = await prepare_disks([wanted], last, user=(user.uid, user.gid) if user else None)
    layers = layers_of(wanted)
    undo.push_async_callback(access.revoke, guest, layers)
    await access.grant(guest, layers)
    for node in disk_nodes(wanted):
        await block.blockdev_add(guest.monitor, node)
        undo.push_async_callback(quietly, block.blockdev_del, guest.monitor, node["node-name"])


async def _open_tray(guest: Guest, disk: Disk, *, force: bool) -> None:
    """Drives without a tray have nothing to open, which QEMU says by an error that is none."""
    try:
        await block.blockdev_open_tray(guest.monitor, disk.alias or "", force=force)
    except QmpError as error:
        if "is locked" in error.description:
            text = f"tray of disk '{disk.target.dev}' is locked: {error.description}"
            raise VirtError(Code.OPERATION_FAILED, text) from error


# -- graphics


async def _graphics(guest: Guest, wanted: Graphics) -> None:
    current = next((g for g in guest.require_active().devices.graphics if g.type == wanted.type), None)
    if current is None:
        raise VirtError(Code.DEVICE_MISSING, f"cannot find existing graphics device to modify of type '{wanted.type}'")
    if wanted.type not in ("vnc", "spice"):
        raise VirtError(Code.INTERNAL_ERROR, f"unable to change config on '{wanted.type}' graphics type")
    if [(x.type, x.address) for x in wanted.listens] != [(x.type, x.address) for x in current.listens]:
        raise _unsupported(f"cannot change listen address setting on '{wanted.type}' graphics")
    if not current.autoport and wanted.port != current.port:
        raise _unsupported(f"cannot change port settings on {wanted.type} graphics")
    if wanted.keymap != current.keymap:
        raise _unsupported(f"cannot change keymap setting on {wanted.type} graphics")
    await running.set_password(guest, wanted, wanted.passwd or "")
    current.passwd, current.passwd_valid_to, current.connected = wanted.passwd, wanted.passwd_valid_to, wanted.connected
