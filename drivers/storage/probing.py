# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a file says of itself as a volume.  These functions block.

The content is a stranger's: the format found here names the volume for people and tools; no guest's disk is
opened by it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from conf.storage import Volume
from conf.storage.kinds import IMAGES
from conf.storage.permissions import Permissions
from conf.storage.volume import BackingStore, Timestamps, VolumeEncryption, VolumeTarget
from drivers.storage.errors import system_error
from virtd.host.images import HEAD, Header, parse_header, probe, qcow2_details

_BLOCK = 512


def find_volume(folder: str, name: str) -> Volume | None:
    """The volume that a name in a pool's folder is; None: it is none (a socket, a dangling link …)."""
    path = os.path.join(folder, name)
    if not name.isprintable():
        return None
    try:
        kind = os.stat(path).st_mode
    except OSError:
        return None
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISBLK(kind)):
        return None
    volume = Volume(name=name, key=path, capacity=0, allocation=0, target=VolumeTarget(path=path))
    measure(volume, identify=True)
    return volume


def measure(volume: Volume, *, identify: bool = False) -> None:
    """Look at a volume's file and note size, owner and times; `identify`: its format too.

    Raises:
        VirtError: SYSTEM_ERROR, it cannot be read.
    """
    path = volume.target.path or ""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise system_error(f"cannot open volume '{path}'", error) from error
    try:
        _note_status(volume, os.fstat(fd))
        if volume.type == "dir":
            volume.target.format, volume.capacity = "dir", 0
            return
        head = os.pread(fd, HEAD, 0)
        size = os.lseek(fd, 0, os.SEEK_END)
    except OSError as error:
        raise system_error(f"cannot read header '{path}'", error) from error
    finally:
        os.close(fd)
    volume.physical = size
    header = parse_header(head, probe(head) if identify else _known_format(volume), size)
    volume.capacity = header.size or size
    if identify:
        _note_format(volume, header, head)


def _known_format(volume: Volume) -> str:
    encrypted = volume.target.format == "raw" and volume.target.encryption is not None
    return "luks" if encrypted else volume.target.format or "raw"


def _note_status(volume: Volume, status: os.stat_result) -> None:
    volume.type = "dir" if stat.S_ISDIR(status.st_mode) else "block" if stat.S_ISBLK(status.st_mode) else "file"
    volume.allocation = 0 if volume.type == "dir" else status.st_blocks * _BLOCK
    note_owner_and_times(volume.target, status)


def note_owner_and_times(part: VolumeTarget | BackingStore, status: os.stat_result) -> None:
    """Note whose a file is and when it was touched."""
    mode = status.st_mode & 0o777
    part.permissions = Permissions(mode=mode, owner=status.st_uid, group=status.st_gid)
    part.timestamps = Timestamps(status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns)


def _note_format(volume: Volume, header: Header, head: bytes) -> None:
    target = volume.target
    target.format = header.format if header.format in IMAGES else "raw"
    if header.format == "luks":
        target.encryption = VolumeEncryption(format="luks")
    details = qcow2_details(head) if header.format == "qcow2" else None
    if details:
        target.compat, target.cluster_size = details.compat, details.cluster_size
        target.features = details.features if details.compat != "0.10" else None
        if details.encryption == "luks":
            target.encryption = VolumeEncryption(format="luks")
        elif details.encryption:
            target.encryption = VolumeEncryption(format="qcow")
    if header.backing:
        volume.backing_store = _backing(target.path or "", header)


def _backing(path: str, header: Header) -> BackingStore:
    """The backing store an image names; its own file is looked at from outside only."""
    name = header.backing or ""
    if ":" not in name.partition("/")[0]:
        name = str(Path(path).parent / name)
    backing = BackingStore(path=name, format=header.backing_format if header.backing_format in IMAGES else "raw")
    try:
        note_owner_and_times(backing, os.stat(name))
    except (OSError, ValueError):
        return backing
    return backing
