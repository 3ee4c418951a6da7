# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that a guest can start without (`startupPolicy='optional'`)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from conf.domain.devices.disk import Disk
from drivers.qemu.guest import Guest
from virtd.enums import ConnectDomainEventDiskChangeReason as Reason
from virtd.enums import DomainEventID
from virtd.threads import in_thread

#: Drives that can be empty; any other disk is left out.
REMOVABLE = ("cdrom", "floppy")


@dataclass(slots=True, frozen=True)
class Missing:
    """A disk whose image is not there, and what became of it (a `virConnectDomainEventDiskChangeReason`)."""

    path: str
    alias: str
    reason: int


async def drop_missing(disks: list[Disk]) -> list[Missing]:
    """Empty the drives, or remove the disks, that may be missing and are."""
    missing = []
    for disk in list(disks):
        path = disk.source.local_path if disk.source and disk.source.startup_policy == "optional" else None
        if path is None or await in_thread(os.path.exists, path):
            continue
        if disk.device in REMOVABLE:
            _empty(disk)
            missing.append(Missing(path, disk.alias or "", Reason.CHANGE_MISSING_ON_START))
        else:
            disks.remove(disk)
            missing.append(Missing(path, disk.alias or "", Reason.DROP_MISSING_ON_START))
    return missing


def _empty(disk: Disk) -> None:
    disk.source = disk.backing_store = None
    disk.type = "file"
    if disk.driver is not None:
        disk.driver.type = None


def tell(guest: Guest, missing: list[Missing]) -> None:
    """Tell clients what the guest starts without."""
    for one in missing:
        guest.emit(DomainEventID.DISK_CHANGE, one.path, None, one.alias, one.reason)
