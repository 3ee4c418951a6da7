# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plugging devices into a running guest and out of it.  The callers hold the guest's job and save its status."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any

from conf.domain import Domain
from conf.domain.devices.chardev import Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.interface import Interface
from conf.domain.devices.kinds import all_devices
from conf.domain.devices.single import device_tag
from drivers.common.devicelists import put, take
from drivers.qemu import commands
from drivers.qemu.addresses.address_set import AddressSet
from drivers.qemu.aliases import alias_of_new
from drivers.qemu.block import jobs
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.defaults.chardevs import complete_serial
from drivers.qemu.defaults.controllers import complete_controller
from drivers.qemu.defaults.devices import complete_device, complete_disk, complete_interface
from drivers.qemu.guest import Guest
from drivers.qemu.hotplug import disks, others, updates
from drivers.qemu.hotplug.kinds import KINDS, Kind
from drivers.qemu.hotplug.session import Plug
from virtd.enums import DomainEventID
from virtd.errors import Code, VirtError

log = logging.getLogger(__name__)

#: Seconds that a call waits for the guest to let go of a device; it may do so later, too.
UNPLUG_SECONDS = 5.0


def complete(device: Any, domain: Domain, capabilities: Capabilities) -> None:
    """Fill in what the XML of a single device leaves open."""
    match device:
        case Disk():
            complete_disk(device)
        case Interface():
            complete_interface(device, domain, capabilities)
        case Controller():
            complete_controller(device, domain, capabilities)
        case Serial():
            complete_serial(device, domain)
        case _:
            complete_device(device, domain)


def check_kind(device: Any, verb: str) -> Kind:
    """How this kind of device comes and goes.

    Raises:
        VirtError: OPERATION_UNSUPPORTED, it does not while a guest runs.
    """
    kind = KINDS.get(type(device))
    if kind is None:
        text = f"live {verb} of device '{device_tag(device)}' is not supported"
        raise VirtError(Code.OPERATION_UNSUPPORTED, text)
    return kind


async def attach(guest: Guest, device: Any) -> None:
    """Plug a device into a running guest, and tell; a medium goes into the drive that is there.

    Raises:
        VirtError: it cannot be; nothing of it is left.
    """
    if isinstance(device, Disk) and device.device in ("cdrom", "floppy"):
        drive = next((d for d in guest.require_active().devices.disks if d.target.dev == device.target.dev), None)
        if drive is not None and drive.device == device.device:
            await updates.update(guest, device, force=False)
            return
    await _plug(guest, device)
    guest.emit(DomainEventID.DEVICE_ADDED, device.alias)


async def _plug(guest: Guest, device: Any) -> None:
    """Plug a device in, and before it the controller it lacks."""
    kind, live = check_kind(device, "attach"), guest.require_active()
    capabilities = await guest.context.capabilities.get(live.devices.emulator or "")
    complete(device, live, capabilities)
    kind.check(guest, device)
    for controller in _assign_address(guest, device, capabilities):
        await _plug(guest, controller)
    device.alias = alias_of_new(device, live)
    async with AsyncExitStack() as undo:
        work = Plug(guest, capabilities, undo)
        try:
            await kind.plug(work, device)
        finally:
            work.resources.close()
        undo.pop_all()
    put(live.devices, device)
    assert guest.runtime is not None
    guest.runtime.devices.add(device.alias)


def _assign_address(guest: Guest, device: Any, capabilities: Capabilities) -> list[Controller]:
    """Choose the device's place; returns the controllers that have to come before it."""
    live = guest.require_active()
    before = list(live.devices.controllers)
    AddressSet(live, capabilities).assign_device(device, live=True)
    added = [controller for controller in live.devices.controllers if controller not in before]
    live.devices.controllers = before
    needed = disks.needed_controller(guest, device) if isinstance(device, Disk) else None
    return [*added, needed] if needed is not None else added


async def detach(guest: Guest, device: Any) -> None:
    """Ask the guest to let go of a device, and take it away when it does.

    Returns after a while even if it has not: the device then goes when the guest lets go.

    Raises:
        VirtError: this device cannot be taken out.
    """
    check_kind(device, "detach")
    if isinstance(device, Disk):
        _check_detach_disk(guest, device)
    if isinstance(device, Controller):
        others.check_detach_controller(guest, device)
    runtime, alias = guest.runtime, device.alias
    assert runtime is not None
    gone = runtime.removals.setdefault(alias, asyncio.get_running_loop().create_future())
    try:
        await commands.device_del(guest.monitor, alias)
        async with asyncio.timeout(UNPLUG_SECONDS):
            await asyncio.shield(gone)
    except TimeoutError:
        return
    finally:
        del runtime.removals[alias]
    await removed(guest, alias)


def _check_detach_disk(guest: Guest, disk: Disk) -> None:
    if disk.device in ("cdrom", "floppy"):
        raise VirtError(Code.OPERATION_UNSUPPORTED, f"disk device type '{disk.device}' cannot be detached")
    if disk.target.bus not in disks.HOTPLUG_BUSES:
        raise VirtError(Code.OPERATION_UNSUPPORTED, "This type of disk cannot be hot unplugged")
    jobs.refuse_if_busy(guest, disk)


async def removed(guest: Guest, alias: str) -> None:
    """The guest let go of a device: release what was made for it, forget it and tell."""
    live, runtime = guest.live, guest.runtime
    device = _of_alias(guest, alias)
    if live is None or runtime is None or device is None:
        return
    runtime.devices.discard(alias)
    kind = KINDS.get(type(device))
    if kind is not None:
        await kind.release(guest, device)
    take(live.devices, device)
    guest.emit(DomainEventID.DEVICE_REMOVED, alias)


def _of_alias(guest: Guest, alias: str) -> Any:
    """The device of this name, of a kind that can go."""
    found: list[Any] = [d for d in all_devices(guest.require_active().devices) if type(d) in KINDS]
    return next((device for device in found if device.alias == alias), None)


async def removed_late(guest: Guest, alias: str) -> None:
    """The guest let go of a device when no call waited for that any more."""
    async with guest.job("modify"):
        await removed(guest, alias)
        await guest.save_status()


async def reconcile(guest: Guest, before: set[str]) -> None:
    """Devices of `before` that QEMU has no more went while no daemon watched."""
    assert guest.runtime is not None
    for alias in before - guest.runtime.devices:
        await removed(guest, alias)
