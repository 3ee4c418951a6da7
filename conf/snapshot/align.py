# SPDX-License-Identifier: LGPL-2.1-or-later
"""A snapshot's list of disks completed: one entry a disk of the domain, in its order, nothing left open."""

from __future__ import annotations

import os
from collections.abc import Callable

from conf.diskrequests import match_requests, refuse_too_many, target_of
from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import StorageSource
from conf.domain.lookup import DiskIndex
from conf.errors import ConfigUnsupportedError
from conf.snapshot.disk import Location, SnapshotDisk
from conf.snapshot.snapshot import Snapshot


def align_disks(
    snapshot: Snapshot, domain: Domain, default: Location, *, is_file: Callable[[str], bool] = os.path.isfile
) -> None:
    """Complete the snapshot's list.

    Args:
        domain: the guest as it is, or was when the snapshot was taken.
        default: what happens to disks about which neither list says anything; with "internal", every disk
            that is named has to be of that kind, since such a snapshot has one state for all.
        is_file: whether a path is a regular file's, beside which a new image may be put.

    Raises:
        ConfigUnsupportedError: the wishes do not fit the domain, or each other.
    """
    refuse_too_many(snapshot.disks, domain, "snapshot")
    named: dict[str, SnapshotDisk] = {}
    for request, disk in match_requests(snapshot.disks, DiskIndex(domain).find):
        _settle(request, disk, default)
        named[target_of(disk)] = request
    disks = domain.devices.disks
    snapshot.disks = [named.get(target_of(disk)) or _unnamed(disk, default) for disk in disks]
    taken: dict[str, str] = {}
    for entry, disk in zip(snapshot.disks, disks, strict=True):
        _name_image(entry, disk, snapshot.name or "", taken, is_file)


def _wish(disk: Disk) -> Location | None:
    """What the domain says about the disk; contents that cannot change need no snapshot."""
    return disk.snapshot or ("no" if disk.readonly else None)


def _settle(request: SnapshotDisk, disk: Disk, default: Location) -> None:
    wish = _wish(disk)
    if request.snapshot is None:
        # An internal snapshot takes all named disks along, whatever else the domain would prefer.
        request.snapshot = wish if wish == "no" or (wish and default != "internal") else default
    elif default == "internal" != request.snapshot and not request.snapshot == wish == "no":
        raise ConfigUnsupportedError(f"disk '{request.name}' must use snapshot mode '{default}'")
    if request.path and request.snapshot != "external":
        raise ConfigUnsupportedError(
            f"file '{request.path}' for disk '{request.name}' requires use of external snapshot mode"
        )


def _unnamed(disk: Disk, default: Location) -> SnapshotDisk:
    return SnapshotDisk(name=target_of(disk), snapshot="no" if disk.is_empty else _wish(disk) or default)


def _name_image(
    entry: SnapshotDisk, disk: Disk, suffix: str, taken: dict[str, str], is_file: Callable[[str], bool]
) -> None:
    """Give a new image a name beside the old one's, if it has none; `taken`: path → the disk that has it."""
    if entry.snapshot == "external" and not entry.path:
        path = _generated(entry, disk, suffix, is_file)
        if path in taken:
            raise _refusal(entry, f": collision with disk '{taken[path]}'")
        entry.source = entry.source or StorageSource()
        entry.source.file = path
    if entry.path:
        taken.setdefault(entry.path, entry.name)


def _generated(entry: SnapshotDisk, disk: Disk, suffix: str, is_file: Callable[[str], bool]) -> str:
    if entry.type != "file":
        raise _refusal(entry, f" on a '{entry.type}' device")
    origin = _origin(disk)
    if origin is None:
        raise _refusal(entry, " without source")
    if not is_file(origin):
        raise ConfigUnsupportedError(
            f"source for disk '{entry.name}' is not a regular file; refusing to generate external snapshot name"
        )
    return f"{_without_suffix(origin)}.{suffix}"


def _refusal(entry: SnapshotDisk, why: str) -> ConfigUnsupportedError:
    return ConfigUnsupportedError(f"cannot generate external snapshot name for disk '{entry.name}'{why}")


def _origin(disk: Disk) -> str | None:
    """The path of the disk's image, or what its server calls it."""
    return (disk.source.local_path or disk.source.name) if disk.source is not None else None


def _without_suffix(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    stem, dot, _suffix = name.rpartition(".")
    return folder + slash + (stem if dot else name)
