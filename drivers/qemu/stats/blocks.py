# SPDX-License-Identifier: LGPL-2.1-or-later
"""Figures of a guest's disks."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Any

from drivers.common.images.layers import Layer
from drivers.qemu.stats.query import Question, Replies
from virtd.host.images import read_header


@dataclass(slots=True)
class Counters:
    """What QEMU counts on one image of a disk.  Operations, bytes, nanoseconds; None: not known."""

    rd_reqs: int = 0
    rd_bytes: int = 0
    rd_times: int = 0
    wr_reqs: int = 0
    wr_bytes: int = 0
    wr_times: int = 0
    fl_reqs: int = 0
    fl_times: int = 0
    highest_offset: int | None = None
    capacity: int | None = None
    physical: int | None = None


#: Field of `Counters` → QEMU's name of it.
_COUNTED = {
    "rd_reqs": "rd_operations",
    "rd_bytes": "rd_bytes",
    "rd_times": "rd_total_time_ns",
    "wr_reqs": "wr_operations",
    "wr_bytes": "wr_bytes",
    "wr_times": "wr_total_time_ns",
    "fl_reqs": "flush_operations",
    "fl_times": "flush_total_time_ns",
}


FRONT_ENDS = Question("blockstats", "query-blockstats")
NODES = Question("nodes", "query-named-block-nodes", {"flat": True})
NODE_STATS = Question("nodestats", "query-blockstats", {"query-nodes": True})


def by_alias(replies: Replies) -> dict[str, Counters]:
    """What QEMU counts for each disk, by the disk's alias; needs `FRONT_ENDS` and `NODES` asked."""
    nodes = _nodes(replies.get(NODES.key))
    return {
        _alias(str(entry.get("qdev") or ""), str(entry.get("device") or "")): _counters(entry, nodes)
        for entry in replies.get(FRONT_ENDS.key, ())
    }


def by_node(replies: Replies) -> dict[str, Counters]:
    """The same for every image, by the name of its node; needs `NODE_STATS` and `NODES` asked."""
    nodes = _nodes(replies.get(NODES.key))
    entries = replies.get(NODE_STATS.key, ())
    return {str(e["node-name"]): _counters(e, nodes) for e in entries if e.get("node-name")}


def thresholds(replies: Replies) -> dict[str, int]:
    """The bytes beyond which a write is to be told, by the name of the node; needs `NODES` asked."""
    nodes = _nodes(replies.get(NODES.key))
    return {name: int(node["write_threshold"]) for name, node in nodes.items() if node.get("write_threshold")}


def _nodes(reply: Any) -> dict[str, dict[str, Any]]:
    return {str(n.get("node-name")): n for n in reply} if isinstance(reply, list) else {}


def _counters(entry: dict[str, Any], nodes: dict[str, dict[str, Any]]) -> Counters:
    counted = entry.get("stats", {})
    counters = Counters(**{name: int(counted.get(theirs, 0)) for name, theirs in _COUNTED.items()})
    # How far it was written on the host: the image's own count is of the guest's offsets.
    counters.highest_offset = entry.get("parent", {}).get("stats", {}).get("wr_highest_offset")
    node = nodes.get(str(entry.get("node-name")), {})
    image = node.get("image", {})
    counters.capacity = image.get("virtual-size")
    counters.physical = image.get("actual-size", counters.capacity)
    return counters


def _alias(qdev: str, device: str) -> str:
    """The disk's alias out of its front end's path."""
    parts = qdev.removeprefix("/machine/peripheral/").split("/")
    return parts[0] if qdev else device.removeprefix("drive-")


def local_path(disk: Any) -> str | None:
    """The file or device of the host that a disk is, if it is one."""
    source = disk.source
    return (source.file or source.dev) if source is not None else None


@dataclass(slots=True, frozen=True)
class Extent:
    """How large an image is, in bytes: allocated on the host, from end to end there, and as a guest sees it."""

    allocation: int
    physical: int
    capacity: int


def extent(path: str, format_: str) -> Extent:
    """Look at an image of a format.  Blocks.

    Raises:
        OSError: it cannot be looked at.
    """
    found = os.stat(path)
    allocation, physical = found.st_blocks * 512, found.st_size
    if stat.S_ISBLK(found.st_mode):
        with open(path, "rb") as device:
            allocation = physical = device.seek(0, os.SEEK_END)
    capacity = 0 if format_ == "raw" else read_header(path, format_).size
    return Extent(allocation, physical, capacity or physical)


def sizes(image: Layer, extent: Extent, counters: Counters | None) -> tuple[int, int, int]:
    """`virDomainBlockInfo` of an image: allocation, capacity, physical size; without `counters` of one that no QEMU has open.

    For QEMU's images the allocation is how far they were written, which is what those need who make a volume larger
    in time; a qcow2 file is written anywhere, so that there it is what the file takes up.
    """
    if counters is None:
        return extent.allocation, extent.capacity, extent.physical
    taken = counters.physical or 0
    highest = None if (image.type, image.format) == ("file", "qcow2") else counters.highest_offset
    allocation = highest or taken
    physical = extent.physical if allocation == taken or not taken else taken
    return allocation, counters.capacity or extent.capacity, physical
