# SPDX-License-Identifier: LGPL-2.1-or-later
"""The -blockdev nodes of a disk, named and written as libvirt does.

Each image has two nodes, `libvirt-N-storage` for the bytes and `libvirt-N-format` for the format on top of
them (and between them one for a slice of a larger file).  N is `index` in the live XML.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conf.domain.devices.disk import Disk
from drivers.common.images.layers import WITH_BACKING, Layer, chain, ends
from drivers.qemu.block.storage import Properties, storage_driver
from virtd.errors import Code, VirtError

#: (direct, no-flush) of a cache mode; the device's own write cache is the command line's affair.
CACHE_MODES = {
    "none": (True, False),
    "writethrough": (False, False),
    "writeback": (False, False),
    "directsync": (True, False),
    "unsafe": (False, True),
}


def number_images(disks: Iterable[Disk], last: int = 0) -> int:
    """Give the images known from the XML their numbers; returns the last one given.

    From the last disk to the first, as libvirt does; an empty drive takes a number, too.
    """
    for disk in reversed(list(disks)):
        if disk.is_empty:
            last += 1
            continue
        for layer in chain(disk):
            if not layer.index:
                last += 1
                layer.index = last
    return last


def disk_nodes(disk: Disk) -> list[Properties]:
    """All nodes of a disk, in the order in which they must be opened; empty for an empty drive."""
    if disk.is_empty or disk.type == "vhostuser":
        return []
    layers = chain(disk)
    nodes: list[Properties] = []
    for layer, below in reversed(list(zip(layers, [*layers[1:], None], strict=True))):
        nodes += layer_nodes(layer, below, terminated=ends(disk))
    if disk.driver and disk.driver.copy_on_read:
        nodes.append(_copy_on_read(disk, layers[0]))
    return nodes


def drive_node(disk: Disk) -> str | None:
    """The node the guest's device is attached to, None for an empty drive."""
    if disk.is_empty or disk.type == "vhostuser":
        return None
    if disk.driver and disk.driver.copy_on_read:
        return copy_on_read_node(disk)
    return chain(disk)[0].format_node


def copy_on_read_node(disk: Disk) -> str:
    """The filter that keeps what was read from a backing file."""
    return f"libvirt-CoR-{disk.target.dev}"


def _copy_on_read(disk: Disk, top: Layer) -> Properties:
    name = copy_on_read_node(disk)
    return {"driver": "copy-on-read", "node-name": name, "file": top.format_node, "discard": "unmap"}


def layer_nodes(layer: Layer, below: Layer | None, *, terminated: bool) -> list[Properties]:
    """The nodes of one image on top of `below`; `terminated`: it is known that nothing is below where that is None."""
    slice_ = _slice(layer)
    nodes = [_storage_node(layer)]
    if layer.has_slice:
        nodes.append(_slice_node(layer, slice_))
    nodes.append(_format_node(layer, slice_, _backing(layer, below, terminated=terminated)))
    return nodes


def _backing(layer: Layer, below: Layer | None, *, terminated: bool) -> Properties:
    if below is not None and layer.format not in WITH_BACKING:
        text = f"storage format '{layer.format}' does not support backing store"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    if layer.format not in WITH_BACKING or (below is None and not terminated):
        return {}
    return {"backing": below.format_node if below else None}


def _cache(layer: Layer) -> Properties:
    mode = CACHE_MODES.get(layer.cache or "")
    return {"cache": {"direct": mode[0], "no-flush": mode[1]}} if mode else {}


def _storage_node(layer: Layer) -> Properties:
    return {
        **storage_driver(layer),
        "node-name": layer.storage_node,
        **_cache(layer),
        "auto-read-only": True,
        "discard": "unmap",
    }


def _slice(layer: Layer) -> Properties:
    slices = layer.source.slices
    return {"offset": slices[0].offset, "size": slices[0].size} if slices else {}


def _slice_node(layer: Layer, slice_: Properties) -> Properties:
    return {
        "driver": "raw",
        "node-name": layer.slice_node,
        **slice_,
        "file": layer.storage_node,
        "auto-read-only": True,
        "discard": "unmap",
        **_cache(layer),
    }


def _format_node(layer: Layer, slice_: Properties, backing: Properties) -> Properties:
    properties: dict[str, Any] = {
        "node-name": layer.format_node,
        "read-only": layer.readonly,
        "discard": layer.discard,
        "detect-zeroes": detect_zeroes(layer.disk) if layer.top else None,
        **_cache(layer),
        "driver": layer.driver,
        "cache-size": layer.metadata_cache,
        **({} if layer.has_slice else slice_),
        "file": layer.slice_node if layer.has_slice else layer.storage_node,
    }
    return {name: value for name, value in properties.items() if value is not None} | backing


def detect_zeroes(disk: Disk) -> str | None:
    """What QEMU is told: to unmap zeroes makes sense only where discarding is allowed."""
    if disk.driver is None or disk.driver.detect_zeroes is None:
        return None
    if disk.driver.detect_zeroes == "unmap" and disk.driver.discard != "unmap":
        return "on"
    return disk.driver.detect_zeroes
