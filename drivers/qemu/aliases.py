# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases: the names by which a running guest's devices are known to QEMU (its ids) and to clients.

They follow from what a device is and where it is plugged in, or else are numbered in the order of
definition.  A name that a user chose (`ua-…`) stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from conf.domain import Domain
from conf.domain.devices.address import DIMMAddress, DriveAddress
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hub import Hub
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.memory import Memory
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.rng import RNG
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.smartcard import Smartcard
from conf.domain.devices.sound import Sound
from conf.domain.devices.tpm import TPM
from conf.domain.devices.video import Video
from conf.domain.devices.vsock import Vsock
from conf.domain.devices.watchdog import Watchdog
from drivers.common.disk_names import disk_index
from drivers.qemu import machines

#: Kinds whose devices are numbered.
_PREFIXES: dict[type, str] = {
    Interface: "net",
    Filesystem: "fs",
    Sound: "sound",
    Hostdev: "hostdev",
    Redirdev: "redir",
    Video: "video",
    Smartcard: "smartcard",
    Serial: "serial",
    Parallel: "parallel",
    Channel: "channel",
    Console: "console",
    Hub: "hub",
    Shmem: "shmem",
    Input: "input",
    Memballoon: "balloon",
    RNG: "rng",
    TPM: "tpm",
    Watchdog: "watchdog",
    Vsock: "vsock",
    IOMMU: "iommu",
}
_MEMORY_PREFIXES = {"virtio-mem": "virtiomem", "virtio-pmem": "virtiopmem", "sgx-epc": "epc"}


def assign_aliases(domain: Domain) -> None:
    """Name all devices of a guest that is about to start."""
    devices = domain.devices
    for disk in devices.disks:
        disk.alias = disk.alias or disk_alias(disk, domain)
    for controller in devices.controllers:
        controller.alias = controller.alias or controller_alias(controller, domain)
    groups: list[list[DeviceInfo]] = [
        [*(i for i in devices.interfaces if i.type != "hostdev")],
        [*(i for i in devices.interfaces if i.type == "hostdev"), *devices.hostdevs],
        *_lists(domain),
    ]
    for group in groups:
        _number(group)
    for group in _counted(domain):
        for place, device in enumerate(group):
            device.alias = device.alias or f"{_prefix(device)}{place}"
    _number_memories(devices.memories)
    for single in (devices.memballoon, devices.vsock, devices.iommu):
        if single is not None and not (isinstance(single, Memballoon) and single.model == "none"):
            _number([single])
    _share_with_serial(domain)


def _counted(domain: Domain) -> list[list[DeviceInfo]]:
    """Devices whose number is their place in their list, whatever the others are called."""
    devices = domain.devices
    lists: tuple[Iterable[DeviceInfo], ...] = (
        devices.sounds,
        devices.redirdevs,
        devices.videos,
        devices.smartcards,
        devices.serials,
        devices.parallels,
        devices.channels,
        devices.consoles,
        devices.hubs,
        devices.shmems,
        devices.inputs,
    )
    return [list(kind) for kind in lists]


def _lists(domain: Domain) -> list[list[DeviceInfo]]:
    """Devices that get the number after the highest in their own list."""
    devices = domain.devices
    lists: tuple[Iterable[DeviceInfo], ...] = (devices.filesystems, devices.rngs, devices.tpms, devices.watchdogs)
    return [list(kind) for kind in lists]


def _number(devices: list[DeviceInfo]) -> None:
    """Name the devices of one kind, going on after the highest number that is there."""
    for device in devices:
        if device.alias is None:
            device.alias = next_alias(_prefix(device), devices)


def _prefix(device: DeviceInfo) -> str:
    if isinstance(device, Interface) and device.type == "hostdev":
        return "hostdev"
    return _PREFIXES[type(device)]


def next_alias(prefix: str, devices: Iterable[DeviceInfo]) -> str:
    """The name after the last of this prefix among `devices`."""
    numbers = (device.alias[len(prefix) :] for device in devices if device.alias and device.alias.startswith(prefix))
    highest = max((int(number) for number in numbers if number.isdecimal()), default=-1)
    return f"{prefix}{highest + 1}"


def _number_memories(memories: list[Memory]) -> None:
    for memory in memories:
        if memory.alias is not None:
            continue
        if isinstance(memory.address, DIMMAddress):
            memory.alias = f"{memory.model}{memory.address.slot}"
        else:
            memory.alias = next_alias(_MEMORY_PREFIXES.get(memory.model, memory.model), memories)


def _share_with_serial(domain: Domain) -> None:
    """The first console of a serial guest is the first serial port."""
    consoles, serials = domain.devices.consoles, domain.devices.serials
    if consoles and serials and consoles[0].is_serial:
        consoles[0].alias = serials[0].alias


def disk_alias(disk: Disk, domain: Domain) -> str:
    """By the place on its controller, else by the number in its target name."""
    bus, address = disk.target.bus, disk.address
    if isinstance(address, DriveAddress):
        place = f"{address.controller}-{address.bus}"
        if bus == "scsi" and _scsi_model(domain, address.controller) != "lsilogic":
            place += f"-{address.target}"
        return f"{bus}{place}-{address.unit}"
    return f"{bus}-disk{disk_index(disk.target.dev or '') or 0}"


def _scsi_model(domain: Domain, index: int) -> str | None:
    found = (c.model for c in domain.devices.controllers if c.type == "scsi" and c.index == index)
    return next(found, None)


def controller_alias(controller: Controller, domain: Domain) -> str:
    """By type and index; those that are part of the machine have the names QEMU gives them."""
    if controller.type == "pci":
        if controller.model == "pci-root" and not machines.has_numbered_pci(domain):
            return "pci"
        return f"{'pcie' if controller.model == 'pcie-root' else 'pci'}.{controller.index}"
    if controller.index == 0 and (name := _builtin_name(controller, domain)):
        return name
    return f"{controller.type}{controller.index}"


def _builtin_name(controller: Controller, domain: Domain) -> str | None:
    match controller.type:
        case "ide" if machines.has_builtin_ide(domain):
            return "ide"
        case "sata" if machines.is_q35(domain):
            return "ide"
        case "usb":
            return "usb"
        case "scsi" if machines.has_builtin_esp(domain):
            return "scsi"
    return None


def alias_of_new(device: DeviceInfo, domain: Domain) -> str:
    """The name of a device that is plugged into a running guest, before it is on the guest's list."""
    if device.alias:
        return device.alias
    if isinstance(device, Disk):
        return disk_alias(device, domain)
    if isinstance(device, Controller):
        return controller_alias(device, domain)
    if isinstance(device, Memory) and isinstance(device.address, DIMMAddress):
        return f"{device.model}{device.address.slot}"
    if isinstance(device, Memory):
        return next_alias(_MEMORY_PREFIXES.get(device.model, device.model), domain.devices.memories)
    return next_alias(_prefix(device), _all_numbered(domain))


def _all_numbered(domain: Domain) -> Iterable[DeviceInfo]:
    devices = domain.devices
    yield from devices.interfaces
    yield from devices.hostdevs
    for kind in (*_lists(domain), *_counted(domain)):
        yield from kind
    for device in (devices.memballoon, devices.vsock, devices.iommu):
        if device is not None:
            yield device
