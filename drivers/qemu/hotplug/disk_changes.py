# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of a running guest's disk stays as it is."""

from __future__ import annotations

from operator import attrgetter

from conf.domain.devices.disk import Disk, DiskDriver, IOTune
from virtd.errors import Code, VirtError

#: Attributes of <driver> that are not the disk's content.
_DRIVER = tuple(name for name in DiskDriver.model_fields if name not in ("name", "type", "metadata_cache"))

#: Where a value stands → libvirt's word for it, in the order in which it is looked at.
_FIXED: dict[str, str] = {
    "device": "device",
    "target.bus": "bus",
    "geometry.cyls": "geometry cylinders",
    "geometry.heads": "geometry heads",
    "geometry.secs": "geometry sectors",
    "blockio.logical_block_size": "blockio logical_block_size",
    "blockio.physical_block_size": "blockio physical_block_size",
    **{f"iotune.{name}": f"blkdeviotune {name.replace('group_name', 'group name')}" for name in IOTune.model_fields},
    "serial": "serial",
    "wwn": "wwn",
    "vendor": "vendor",
    "product": "product",
    **{f"driver.{name}": name for name in _DRIVER},
    "rawio": "rawio",
    "sgio": "sgio",
    "boot.order": "boot order",
    "readonly": "readonly",
    "shareable": "shared",
    "transient": "transient",
}


def check(disk: Disk, wanted: Disk) -> None:
    """Refuse to change what cannot change while the guest runs; what `wanted` leaves open stays.

    Raises:
        VirtError: OPERATION_UNSUPPORTED.
    """
    for place, word in _FIXED.items():
        new = _value(wanted, place)
        if new and new != _value(disk, place):
            raise VirtError(Code.OPERATION_UNSUPPORTED, f"cannot modify field '{word}' of the disk")


def _value(disk: Disk, place: str) -> object:
    part, _, _name = place.rpartition(".")
    if part and getattr(disk, part) is None:
        return None
    return attrgetter(place)(disk)
