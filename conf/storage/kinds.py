# SPDX-License-Identifier: LGPL-2.1-or-later
"""The types of pools: what belongs to the source of each, and which formats it knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from conf.binding import on
from conf.binding.fields import Condition
from conf.domain.devices.storage_source import StorageFormat

PoolType = Literal[
    "dir",
    "fs",
    "netfs",
    "logical",
    "disk",
    "iscsi",
    "iscsi-direct",
    "scsi",
    "mpath",
    "rbd",
    "sheepdog",
    "gluster",
    "zfs",
    "vstorage",
]
Part = Literal["host", "device", "dir", "adapter", "name", "initiator"]

FILESYSTEMS = (
    "auto",
    "ext2",
    "ext3",
    "ext4",
    "ufs",
    "iso9660",
    "udf",
    "gfs",
    "gfs2",
    "vfat",
    "hfs+",
    "xfs",
    "ocfs2",
    "vmfs",
)
PARTITION_TABLES = ("unknown", "dos", "dvh", "gpt", "mac", "bsd", "pc98", "sun", "lvm2")
PARTITIONS = ("none", "linux", "fat16", "fat32", "linux-swap", "linux-lvm", "linux-raid", "extended")
IMAGES: tuple[str, ...] = get_args(StorageFormat)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of pool.

    Attributes:
        parts: what its `<source>` may hold.
        required: what it must hold of that.
        formats: of the source; the default is the first, or `default_format`.
        volume_formats: of its volumes, the default first; none means that volumes have no format.
        has_target: whether it is a folder of the host.
        target_parent: the folder below which the pool's is found by the source's name.
    """

    parts: tuple[Part, ...] = ()
    required: tuple[Part, ...] = ()
    formats: tuple[str, ...] = ()
    default_format: str | None = None
    volume_formats: tuple[str, ...] = ()
    has_target: bool = True
    target_parent: str | None = None


KINDS: dict[PoolType, Kind] = {
    "dir": Kind(volume_formats=IMAGES),
    "fs": Kind(("device",), ("device",), FILESYSTEMS, volume_formats=IMAGES),
    "netfs": Kind(("host", "dir"), ("host", "dir"), ("auto", "nfs", "glusterfs", "cifs"), volume_formats=IMAGES),
    "logical": Kind(("name", "device"), formats=("unknown", "lvm2"), default_format="lvm2", target_parent="/dev"),
    "disk": Kind(("device",), ("device",), PARTITION_TABLES, volume_formats=PARTITIONS),
    "iscsi": Kind(("host", "device", "initiator"), ("host", "device")),
    "iscsi-direct": Kind(("host", "device", "initiator"), ("host", "device"), has_target=False),
    "scsi": Kind(("adapter",), ("adapter",)),
    "mpath": Kind(),
    "rbd": Kind(("host", "name"), ("host",), volume_formats=("raw",), has_target=False),
    "sheepdog": Kind(("host", "name"), ("host",), has_target=False),
    "gluster": Kind(("host", "name", "dir"), ("host",), volume_formats=IMAGES, has_target=False),
    "zfs": Kind(("name", "device"), target_parent="/dev/zvol"),
    "vstorage": Kind(("name",), volume_formats=IMAGES),
}


def having(part: Part) -> Condition:
    """True in the `<source>` of pools that have this part."""
    return on("../type", *(type_ for type_, kind in KINDS.items() if part in kind.parts))
