# SPDX-License-Identifier: LGPL-2.1-or-later
"""A backup's list of disks completed: those named, then the others in the domain's order."""

from __future__ import annotations

from conf.backup.backup import Backup
from conf.backup.disk import BackupDisk
from conf.diskrequests import match_requests, target_of
from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import StorageSource
from conf.domain.lookup import DiskIndex
from conf.errors import ConfigUnsupportedError


def align_backup(backup: Backup, domain: Domain, suffix: str) -> None:
    """Complete the backup's list: without one, all disks that can change are copied; else those named.

    Args:
        suffix: what files that nobody named are called, after the disk's own file and a dot.

    Raises:
        ConfigUnsupportedError: the list does not fit the domain.
    """
    disks = domain.devices.disks
    if not disks:
        raise ConfigUnsupportedError("domain must have at least one disk to perform backup")
    everything = not backup.disks
    named = set()
    for request, disk in match_requests(backup.disks, DiskIndex(domain).find_target):
        named.add(request.name)
        _settle_mode(request, backup)
        if request.backup and disk.is_empty:
            raise ConfigUnsupportedError(f"disk '{request.name}' has no media")
    for disk in disks:
        if target_of(disk) not in named:
            backup.disks.append(_unnamed(disk, backup, suffix, wanted=everything))


def _unnamed(disk: Disk, backup: Backup, suffix: str, *, wanted: bool) -> BackupDisk:
    if not wanted or disk.readonly or disk.is_empty:
        return BackupDisk(name=target_of(disk), backup=False)
    if disk.source is None or disk.type != "file":
        raise ConfigUnsupportedError(f"refusing to generate file name for disk '{target_of(disk)}'")
    image = StorageSource(file=f"{disk.source.file}.{suffix}")
    entry = BackupDisk(name=target_of(disk))
    if backup.mode == "push":
        entry.target = image
    else:
        entry.scratch = image
    _settle_mode(entry, backup)
    return entry


def _settle_mode(entry: BackupDisk, backup: Backup) -> None:
    """What is copied of a disk: what it says itself, else what is said of all."""
    if not entry.backup:
        return
    if entry.backup_mode is None:
        entry.backup_mode = "incremental" if entry.incremental or backup.incremental else "full"
    if entry.backup_mode == "incremental":
        entry.incremental = entry.incremental or backup.incremental
        if entry.incremental is None:
            raise ConfigUnsupportedError(
                f"'incremental' backup mode of disk '{entry.name}' requires setting 'incremental' field for"
                " disk or backup"
            )
