# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which device the guest tries to boot from, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain import Domain
from conf.domain.devices.info import BootableDevice, RomDevice

Bootable = BootableDevice | RomDevice

#: `<disk device=…>` → `<boot dev=…>`.
_DISK_KINDS = {"disk": "hd", "lun": "hd", "cdrom": "cdrom", "floppy": "fd"}


def boot_index(domain: Domain, device: Bootable) -> int | None:
    """The device's turn: what it says itself, or what `<os>` says of the first device of its kind."""
    if device.boot is not None:
        return device.boot.order
    if any(d.boot is not None for d in _bootable(domain)):
        return None
    turns = {boot.dev: number for number, boot in enumerate(domain.os.boots, 1)}
    return next((number for kind, number in turns.items() if next(_of_kind(domain, kind), None) is device), None)


def _bootable(domain: Domain) -> Iterator[Bootable]:
    devices = domain.devices
    yield from devices.disks
    yield from devices.interfaces
    yield from devices.hostdevs
    yield from devices.redirdevs


def _of_kind(domain: Domain, kind: str) -> Iterator[Bootable]:
    if kind == "network":
        yield from domain.devices.interfaces
    else:
        yield from (disk for disk in domain.devices.disks if _DISK_KINDS[disk.device] == kind)
