# SPDX-License-Identifier: LGPL-2.1-or-later
"""A checkpoint's list of disks completed: one entry a disk of the domain, in its order."""

from __future__ import annotations

from typing import Literal

from conf.checkpoint.checkpoint import Checkpoint, CheckpointDisk
from conf.diskrequests import match_requests, refuse_too_many, target_of
from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.lookup import DiskIndex
from conf.errors import ConfigUnsupportedError


def align_checkpoint(checkpoint: Checkpoint, domain: Domain) -> None:
    """Complete the checkpoint's list: without one, all disks that can change are tracked; else those named.

    Raises:
        ConfigUnsupportedError: the list does not fit the domain.
    """
    refuse_too_many(checkpoint.disks, domain, "checkpoint")
    if not domain.devices.disks:
        raise ConfigUnsupportedError("domain must have at least one disk to perform checkpoints")
    others: Literal["no", "bitmap"] = "no" if checkpoint.disks else "bitmap"
    named: dict[str, CheckpointDisk] = {}
    for request, disk in match_requests(checkpoint.disks, DiskIndex(domain).find):
        request.checkpoint = request.checkpoint or "bitmap"
        if request.checkpoint == "bitmap" and not _can_change(disk):
            raise ConfigUnsupportedError(f"disk '{request.name}' is empty or readonly")
        named[target_of(disk)] = request
    checkpoint.disks = [named.get(target_of(disk)) or _unnamed(disk, others) for disk in domain.devices.disks]
    for entry in checkpoint.disks:
        if entry.checkpoint == "bitmap" and entry.bitmap is None:
            entry.bitmap = checkpoint.name


def _can_change(disk: Disk) -> bool:
    return not disk.readonly and not disk.is_empty


def _unnamed(disk: Disk, others: Literal["no", "bitmap"]) -> CheckpointDisk:
    return CheckpointDisk(name=target_of(disk), checkpoint=others if _can_change(disk) else "no")
