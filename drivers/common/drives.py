# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drive addresses: a disk's place on its controller follows from its target name."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.address import DriveAddress
from conf.domain.devices.disk import Disk
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.info import DeviceInfo
from drivers.common.disk_names import disk_index
from virtd.errors import Code, VirtError

#: Controller, bus, target, unit.
Place = tuple[int, int, int, int]

#: Units of a narrow SCSI bus; the next one is the controller itself.
SCSI_UNITS = 7
_SATA_PORTS = 6
_IDE_BUSES = 2
_UNITS_PER_CABLE = 2

#: Buses on which a disk has a drive address.
DRIVE_BUSES = frozenset({"ide", "scsi", "sata", "fdc"})


def drive_place(bus: str, index: int) -> Place:
    """Where the disk with this number in its name goes on a bus of this kind."""
    match bus:
        case "scsi":
            controller, unit = divmod(index, SCSI_UNITS)
            return controller, 0, 0, unit
        case "ide":
            controller, rest = divmod(index, _IDE_BUSES * _UNITS_PER_CABLE)
            return controller, rest // _UNITS_PER_CABLE, 0, rest % _UNITS_PER_CABLE
        case "sata":
            controller, unit = divmod(index, _SATA_PORTS)
            return controller, 0, 0, unit
    controller, unit = divmod(index, _UNITS_PER_CABLE)
    return controller, 0, 0, unit


def assign_drives(domain: Domain) -> None:
    """Drive addresses for all disks and SCSI host devices that lack one.

    Raises:
        VirtError: a name that gives no number, or a place that is a host device's.
    """
    hostdevs = [hostdev for hostdev in domain.devices.hostdevs if is_scsi(hostdev)]
    places = {place for hostdev in hostdevs if (place := place_of(hostdev)) is not None}
    for disk in domain.devices.disks:
        if disk.address is None:
            assign_disk(disk, places)
    if hostdevs:
        _assign_hostdevs(hostdevs, places, domain)


def assign_disk(disk: Disk, hostdevs: set[Place]) -> None:
    """Give a disk on a drive bus the address that its name stands for; `hostdevs` are places which host devices have.

    Raises:
        VirtError: as `assign_drives`.
    """
    name, kind = disk.target.dev or "", disk.target.bus
    index = disk_index(name)
    if index is None:
        raise VirtError(Code.XML_ERROR, f"Unknown disk name '{name}' and no address specified")
    if kind not in DRIVE_BUSES:
        return
    controller, bus, target, unit = place = drive_place(kind, index)
    if kind == "scsi" and place in hostdevs:
        raise VirtError(
            Code.CONFIG_UNSUPPORTED,
            f"using disk target name '{name}' conflicts with SCSI host device address "
            f"controller='{controller}' bus='{bus}' target='{target}' unit='{unit}",
        )
    disk.address = DriveAddress(controller=controller, bus=bus, target=target, unit=unit)


def place_of(device: DeviceInfo) -> Place | None:
    """A device's drive address as a key."""
    address = device.address
    if not isinstance(address, DriveAddress):
        return None
    return address.controller, address.bus, address.target, address.unit


def is_scsi(hostdev: Hostdev) -> bool:
    """Whether a host device is a SCSI unit of the host's."""
    return hostdev.mode == "subsystem" and hostdev.type == "scsi"


def _assign_hostdevs(hostdevs: list[Hostdev], places: set[Place], domain: Domain) -> None:
    """SCSI host devices take free units below the controller's own, on the first controller with room."""
    scsi_disks = (disk for disk in domain.devices.disks if disk.target.bus == "scsi")
    taken = places | {place for disk in scsi_disks if (place := place_of(disk)) is not None}
    controller = 0
    for hostdev in hostdevs:
        if hostdev.address is not None:
            continue
        while (unit := _free_unit(taken, controller)) is None:
            controller += 1
        taken.add((controller, 0, 0, unit))
        hostdev.address = DriveAddress(controller=controller, unit=unit)


def _free_unit(taken: set[Place], controller: int) -> int | None:
    return next((u for u in range(SCSI_UNITS) if (controller, 0, 0, u) not in taken), None)
