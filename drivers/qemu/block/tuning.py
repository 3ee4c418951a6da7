# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a disk's bytes and requests a second (`<iotune>`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conf.domain.devices.disk import Disk, IOTune
from drivers.qemu.block import commands
from drivers.qemu.block.layers import is_empty
from drivers.qemu.feature import Feature
from drivers.qemu.guest import Guest
from drivers.qemu.monitor import Monitor
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError, invalid_arg
from virtd.params import Value

#: The fields in the order in which the API tells them.
FIELDS = tuple(IOTune.model_fields)
PARAMETERS = {name: T.STRING if name == "group_name" else T.ULLONG for name in FIELDS}

MAX_VALUE = 1_000_000_000_000_000

#: Three fields are set together: who sets one of them unsets the others.
FAMILIES = ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max")
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


def merged(old: IOTune | None, given: Mapping[str, Value]) -> IOTune:
    """The limits after a change.

    Raises:
        VirtError: what is given contradicts itself.
    """
    for value in given.values():
        if isinstance(value, int) and value > MAX_VALUE:
            text = f"block I/O throttle limit value must be no more than {MAX_VALUE}"
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, text)
    values: dict[str, Any] = {name: getattr(old, name) for name in FIELDS} if old else dict.fromkeys(FIELDS)
    for family in FAMILIES:
        names = [f"{way}_{family}" for way in WAYS]
        if given.get(names[0]) and (given.get(names[1]) or given.get(names[2])):
            raise invalid_arg(f"total and read/write of {family} cannot be set at the same time")
        if any(name in given for name in names):
            values.update(dict.fromkeys(names))
    values.update({name: value or None for name, value in given.items()})
    limits = IOTune(**values)
    if "group_name" in given and not is_limited(limits):
        text = "creating a new group/updating existing with all tune parameters zero is not supported"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    return limits


def is_limited(limits: IOTune | None) -> bool:
    """Whether there is any limit."""
    return limits is not None and any(getattr(limits, name) for name in FIELDS if name != "group_name")


def check_bursts(limits: IOTune) -> None:
    """A burst below the steady limit makes no sense.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    for name in FIELDS:
        burst = f"{name}_max"
        if burst in FIELDS and getattr(limits, burst) and getattr(limits, burst) < (getattr(limits, name) or 0):
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"value '{burst}' cannot be smaller than '{name}'")


def drive_path(disk: Disk) -> str:
    """What QEMU calls the drive; also the name of its own group of limits."""
    virtio = disk.target.bus == "virtio"
    return f"/machine/peripheral/{disk.alias}/virtio-backend" if virtio else str(disk.alias)


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
            if disk.iotune is not None and is_limited(disk.iotune) and not is_empty(disk):
                await apply(guest.monitor, disk, disk.iotune)
