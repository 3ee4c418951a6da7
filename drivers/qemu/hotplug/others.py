# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small devices that come and go: channels, serial ports, inputs, random numbers, host devices, memory …"""

from __future__ import annotations

import os

from conf.domain.devices.address import DriveAddress
from conf.domain.devices.chardev import Channel, Console, Serial
from conf.domain.devices.chardev_source import CharacterSource
from conf.domain.devices.controller import Controller
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.input import Input
from conf.domain.devices.memory import Memory
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.rng import RNG
from conf.domain.devices.watchdog import Watchdog
from drivers.common import usb
from drivers.common.drives import is_scsi
from drivers.qemu import commands
from drivers.qemu.block import access
from drivers.qemu.command.board import watchdog_props
from drivers.qemu.command.chardevs import credentials_id
from drivers.qemu.command.consoles import channel_props, console_props, serial_props
from drivers.qemu.command.controllers import controller_props
from drivers.qemu.command.hostdevs import hostdev_props
from drivers.qemu.command.inputs import input_props
from drivers.qemu.command.memory import module_backend, module_props
from drivers.qemu.command.small_virtio import rng_backend_props, rng_props
from drivers.qemu.command.usb import redirdev_props
from drivers.qemu.guest import Guest
from drivers.qemu.hostside import ownership
from drivers.qemu.hotplug.session import Plug, quietly
from virtd.errors import Code, VirtError
from virtd.threads import in_thread


def _unsupported(text: str) -> VirtError:
    return VirtError(Code.OPERATION_UNSUPPORTED, text)


# -- character devices


def check_channel(guest: Guest, channel: Channel) -> None:
    if channel.target.type != "virtio":
        raise _unsupported("Unsupported channel type for hotplug")
    check_spice(guest, channel)


def check_spice(guest: Guest, device: Channel | Redirdev) -> None:
    """A device whose other end is the viewer needs one that has such ends."""
    graphics = guest.require_active().devices.graphics
    if device.type in ("spicevmc", "spiceport") and not any(g.type == "spice" for g in graphics):
        text = f"chardev '{device.type}' not supported without spice graphics"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)


async def plug_channel(work: Plug, channel: Channel) -> None:
    runtime = work.guest.runtime
    assert runtime is not None
    if channel.type == "unix" and (channel.source is None or not channel.source.path):
        path = os.path.join(runtime.channel_dir, channel.target.name or "")
        channel.source = CharacterSource(mode="bind", path=path)
    if channel.type == "pty":
        channel.source = CharacterSource()
    await work.add_chardev(f"char{channel.alias}", channel)
    await work.add_device(channel, channel_props(work.build, channel))


def check_serial(_guest: Guest, serial: Serial) -> None:
    if serial.target is None or serial.target.type not in ("usb-serial", "pci-serial"):
        raise _unsupported("Unsupported serial type for hotplug")


async def plug_serial(work: Plug, serial: Serial) -> None:
    assert serial.target is not None
    if serial.target.port is None:
        taken = [s.target.port or 0 for s in work.guest.require_active().devices.serials if s.target is not None]
        serial.target.port = max(taken, default=-1) + 1
    if serial.type == "pty":
        serial.source = CharacterSource()
    await work.add_chardev(f"char{serial.alias}", serial)
    await work.add_device(serial, serial_props(work.build, serial))


def check_console(_guest: Guest, console: Console) -> None:
    if console.target is None or console.target.type != "virtio":
        raise _unsupported("Unsupported console type for hotplug")


async def plug_console(work: Plug, console: Console) -> None:
    if console.type == "pty":
        console.source = CharacterSource()
    await work.add_chardev(f"char{console.alias}", console)
    await work.add_device(console, console_props(work.build, console))


async def release_chardev(guest: Guest, device: Channel | Serial | Console | Redirdev) -> None:
    id_ = f"char{device.alias}"
    await quietly(commands.chardev_remove, guest.monitor, id_)
    if device.type == "tcp" and device.source is not None and device.source.tls:
        await quietly(commands.object_del, guest.monitor, credentials_id(id_))


async def plug_redirdev(work: Plug, redirdev: Redirdev) -> None:
    await work.add_chardev(f"char{redirdev.alias}", redirdev)
    await work.add_device(redirdev, redirdev_props(work.build, redirdev))


# -- the rest


def check_input(_guest: Guest, device: Input) -> None:
    if device.bus not in ("usb", "virtio"):
        raise _unsupported(f"input device on bus '{device.bus}' cannot be hot plugged.")


async def plug_input(work: Plug, device: Input) -> None:
    await work.add_device(device, input_props(work.build, device))


async def plug_rng(work: Plug, rng: RNG) -> None:
    if rng.backend.model == "egd":
        await work.add_chardev(f"char{rng.alias}", rng.backend)
    await work.add_object(rng_backend_props(rng))
    await work.add_device(rng, rng_props(work.build, rng))


async def release_rng(guest: Guest, rng: RNG) -> None:
    await quietly(commands.object_del, guest.monitor, f"obj{rng.alias}")
    if rng.backend.model == "egd":
        await quietly(commands.chardev_remove, guest.monitor, f"char{rng.alias}")


async def plug_watchdog(work: Plug, watchdog: Watchdog) -> None:
    action = "shutdown" if watchdog.action == "poweroff" else str(watchdog.action)
    await commands.set_action(work.monitor, watchdog="pause" if action == "dump" else action)
    await work.add_device(watchdog, watchdog_props(work.build, watchdog))


def check_watchdog(guest: Guest, _watchdog: Watchdog) -> None:
    if guest.require_active().devices.watchdogs:
        raise VirtError(Code.OPERATION_INVALID, "domain already has a watchdog")


def check_controller(guest: Guest, controller: Controller) -> None:
    if controller.type not in ("scsi", "virtio-serial"):
        raise _unsupported(f"'{controller.type}' controller cannot be hot plugged.")
    for other in guest.require_active().devices.controllers:
        if (other.type, other.index) == (controller.type, controller.index):
            text = f"target {controller.type}:{controller.index} already exists"
            raise VirtError(Code.OPERATION_FAILED, text)


def check_detach_controller(guest: Guest, controller: Controller) -> None:
    """Refuse to take out what does not go, or is in use."""
    if controller.type != "scsi":
        raise _unsupported(f"'{controller.type}' controller cannot be hot unplugged.")
    devices = guest.require_active().devices
    on_scsi = [d.address for d in devices.disks if d.target.bus == "scsi"]
    on_scsi += [h.address for h in devices.hostdevs if is_scsi(h)]
    if any(isinstance(a, DriveAddress) and a.controller == controller.index for a in on_scsi):
        raise VirtError(Code.OPERATION_FAILED, "device cannot be detached: device is busy")


async def plug_controller(work: Plug, controller: Controller) -> None:
    properties = controller_props(work.build, controller)
    if properties is None:
        raise _unsupported(f"'{controller.type}' controller cannot be hot plugged.")
    await work.add_device(controller, properties)


async def plug_hostdev(work: Plug, hostdev: Hostdev) -> None:
    guest, runtime = work.guest, work.guest.runtime
    assert runtime is not None
    device = await in_thread(usb.resolve, hostdev)
    work.undo.push_async_callback(release_hostdev, guest, hostdev)
    await in_thread(ownership.give_path, guest, runtime, access.whom(guest), device.path)
    await work.add_device(hostdev, hostdev_props(work.build, hostdev))


async def release_hostdev(guest: Guest, hostdev: Hostdev) -> None:
    place = hostdev.source.usb
    path = f"/dev/bus/usb/{place.bus:03d}/{place.device:03d}" if place is not None else ""
    if guest.runtime is not None:
        for owner in [owner for owner in guest.runtime.owners if owner.path == path]:
            guest.runtime.owners.remove(owner)
            await in_thread(ownership.restore_path, guest, owner)


def check_hostdev(_guest: Guest, hostdev: Hostdev) -> None:
    if hostdev.type != "usb":
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"hotplug is not supported for hostdev subsys type '{hostdev.type}'")


def check_memory(guest: Guest, _memory: Memory) -> None:
    if guest.require_active().max_memory is None:
        text = "cannot use/hotplug a memory device when domain 'maxMemory' is not defined"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)


async def plug_memory(work: Plug, memory: Memory) -> None:
    *helpers, backend = module_backend(work.build, memory)
    for properties in (*helpers, backend):
        await work.add_object(properties)
    await work.add_device(memory, module_props(work.build, memory))
    for properties in helpers:
        await quietly(commands.object_del, work.monitor, properties["id"])


async def release_memory(guest: Guest, memory: Memory) -> None:
    await quietly(commands.object_del, guest.monitor, f"mem{memory.alias}")


async def nothing(_guest: Guest, _device: object) -> None:
    """Nothing stays behind such a device."""


def anything(_guest: Guest, _device: object) -> None:
    """Any such device will do."""
