# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a disk's bytes and requests a second (`<iotune>`), as QEMU keeps them."""

from __future__ import annotations

from conf.domain.devices.disk import Disk, IOTune
from drivers.common.iotune import FIELDS, is_limited
from drivers.qemu.block import commands
from drivers.qemu.feature import Feature
from drivers.qemu.guest import Guest
from drivers.qemu.monitor import Monitor
from virtd.errors import Code, VirtError
from virtd.params import Value

WAYS = {"total": "", "read": "_rd", "write": "_wr"}
UNITS = {"bytes": "bps", "iops": "iops"}


def qemu_name(field: str) -> str:
    """QEMU's word for a field: `read_bytes_sec_max` is `bps_rd_max`."""
    if field == "size_iops_sec":
        return "iops_size"
    if field == "group_name":
        return "group"
    way, unit, _sec, *rest = field.split("_")
    return "_".join([UNITS[unit] + WAYS[way], *rest])


def drive_path(disk: Disk) -> str:
    """What QEMU calls the drive; also the name of its own group of limits."""
    virtio = disk.target.bus == "virtio"
    return f"/machine/peripheral/{disk.alias}/virtio-backend" if virtio else str(disk.alias)


def check_steady(limits: IOTune) -> None:
    """QEMU allows bursts beyond a limit, and so none without one.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    for burst in FIELDS:
        name = burst.removesuffix("_max")
        if name != burst and getattr(limits, burst) and not getattr(limits, name):
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"cannot reset '{name}' when '{burst}' is set")


async def apply(monitor: Monitor, disk: Disk, limits: IOTune) -> None:
    """Have QEMU keep the limits.

    Raises:
        VirtError: QEMU refused.
    """
    values = {qemu_name(name): getattr(limits, name) or 0 for name in FIELDS if name != "group_name"}
    # The length of a burst that is not set is QEMU's to choose.
    told = {name: value for name, value in values.items() if value or not name.endswith("_length")}
    if limits.group_name:
        told["group"] = limits.group_name
    await commands.block_set_io_throttle(monitor, drive_path(disk), told)


async def current(monitor: Monitor, disk: Disk) -> dict[str, Value]:
    """The limits that QEMU keeps, by the API's names.

    Raises:
        VirtError: INTERNAL_ERROR: the drive is empty.
    """
    drive = await commands.drive_of(monitor, disk.alias or "")
    inserted = drive.get("inserted") if drive else None
    if not isinstance(inserted, dict):
        raise not_inserted()
    found = {name: inserted.get(qemu_name(name), "" if name == "group_name" else 0) for name in FIELDS}
    return {name: value for name, value in found.items() if isinstance(value, str if name == "group_name" else int)}


def not_inserted() -> VirtError:
    """The stock answer for an empty drive."""
    return VirtError(Code.INTERNAL_ERROR, "block_io_throttle inserted entry was not in expected format")


class IoLimits(Feature):
    """Limits hold from the start of a guest."""

    async def guest_started(self, guest: Guest) -> None:
        for disk in guest.require_active().devices.disks:
            if disk.iotune is not None and is_limited(disk.iotune) and not disk.is_empty:
                await apply(guest.monitor, disk, disk.iotune)
