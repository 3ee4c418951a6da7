# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools that are folders of the host.  These functions block; they change nothing of the driver's state."""

from __future__ import annotations

import os
from dataclasses import dataclass

from conf.storage import Pool, Volume
from conf.storage.permissions import Permissions
from drivers.storage.errors import system_error
from drivers.storage.probing import find_volume
from virtd.enums import StoragePoolBuildFlags as Build
from virtd.errors import ArgumentError, From, VirtError, check_flags, operation_invalid

#: The mode of a pool's folder that is made, if the XML says nothing.
DEFAULT_MODE = 0o711


@dataclass(frozen=True, slots=True)
class Contents:
    """What is found in a pool; sizes in bytes."""

    capacity: int
    available: int
    permissions: Permissions
    volumes: list[Volume]


def build(pool: Pool, flags: int) -> None:
    """Make the folder; one that is there gets the owner and mode that the XML asks for.

    Raises:
        VirtError: INVALID_ARG, OPERATION_INVALID: flags that are for file systems; SYSTEM_ERROR.
    """
    check_flags(flags, Build.OVERWRITE | Build.NO_OVERWRITE, "virStorageBackendFileSystemBuild")
    check_exclusive(flags, Build.OVERWRITE, Build.NO_OVERWRITE, "VIR_STORAGE_POOL_BUILD")
    if flags:
        raise operation_invalid(f"No source device specified when formatting pool '{pool.name}'")
    path, wanted = pool.target.path or "", pool.target.permissions or Permissions()
    try:
        made = not os.path.isdir(path)
        os.makedirs(path, exist_ok=True)
        take_ownership(path, wanted, DEFAULT_MODE if made else None)
    except OSError as error:
        raise system_error(f"failed to create directory '{path}'", error, source=From.NONE) from error


def check_exclusive(flags: int, one: int, other: int, prefix: str) -> None:
    """Refuse two flags that contradict each other."""
    if flags & one and flags & other:
        text = f"Flags '{prefix}_OVERWRITE' and '{prefix}_NO_OVERWRITE' are mutually exclusive"
        raise ArgumentError("virStorageBackendFileSystemBuild", "flags", text)


def take_ownership(path: str, wanted: Permissions, default_mode: int | None) -> None:
    """Give a file its owner, group and mode, as far as they are asked for."""
    if wanted.owner is not None or wanted.group is not None:
        os.chown(path, -1 if wanted.owner is None else wanted.owner, -1 if wanted.group is None else wanted.group)
    mode = default_mode if wanted.mode is None else wanted.mode
    if mode is not None:
        os.chmod(path, mode)


def delete(pool: Pool) -> None:
    """Remove the folder, which must be empty.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    try:
        os.rmdir(pool.target.path or "")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise system_error(f"failed to remove pool '{pool.target.path}'", error) from error


def look(pool: Pool) -> Contents:
    """Find the volumes.

    Raises:
        VirtError: SYSTEM_ERROR: the folder, or an image in it, cannot be read.
    """
    path = pool.target.path or ""
    try:
        names = os.listdir(path)
    except OSError as error:
        raise system_error(f"cannot open directory '{path}'", error, source=From.NONE) from error
    volumes = [volume for name in names if (volume := _find(path, name)) is not None]
    status, space = os.stat(path), os.statvfs(path)
    return Contents(
        capacity=space.f_blocks * space.f_frsize,
        available=space.f_bfree * space.f_frsize,
        permissions=Permissions(mode=status.st_mode & 0o777, owner=status.st_uid, group=status.st_gid),
        volumes=volumes,
    )


def _find(folder: str, name: str) -> Volume | None:
    """A volume; a file that vanished meanwhile or cannot be read is none."""
    try:
        return find_volume(folder, name)
    except VirtError:
        return None
