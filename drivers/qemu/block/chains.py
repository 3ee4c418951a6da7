# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding the backing files of disks that the XML does not tell, by the images' own headers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import copy
from typing import TypeVar, cast

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.domain.devices.storage_source import BackingStore, Format, StorageFormat
from drivers.common.images.layers import WITH_BACKING, Layer, backing_chain, chain, ends
from drivers.qemu.block.backing_names import backing_store
from drivers.qemu.block.nodes import number_images
from virtd.errors import Code, From, VirtError
from virtd.host.images import Header, read_header
from virtd.threads import in_thread

_Image = TypeVar("_Image", Disk, BackingStore)

#: A chain longer than this is refused.
MAX_DEPTH = 200


async def prepare_disks(disks: Sequence[Disk], last: int = 0, *, user: tuple[int, int] | None = None) -> int:
    """Complete the chains of disks about to be opened, and number all their images.

    Args:
        last: the last number in use.
        user: whom QEMU runs as, for error messages.

    Returns:
        The last number in use now.

    Raises:
        VirtError: an image cannot be read or does not say what it must.
    """
    return await complete_chains(disks, number_images(disks, last), user=user)


async def complete_chains(disks: Sequence[Disk], last: int, *, user: tuple[int, int] | None = None) -> int:
    """The second half of it, for disks whose own images have their numbers."""
    for disk in reversed(disks):
        if not disk.is_empty:
            last = await complete(chain(disk), last, user=user)
    return last


async def complete(layers: list[Layer], last: int, *, user: tuple[int, int] | None = None) -> int:
    """Look below the end of a chain, write what is found into the XML and number it from `last` on.

    Returns and raises as `prepare_disks`.
    """
    end = layers[-1]
    if end.path is None or ends(end.element):
        return last
    seen = [layer.path for layer in layers if layer.path]
    found = BackingStore()
    if end.format in WITH_BACKING:
        found = await in_thread(_look_below, seen, end.format, user)
    found.found = True
    end.element.backing_store = found
    for layer in backing_chain(end.disk, end.element.backing_store):
        last += 1
        layer.index = last
    return last


def _look_below(seen: list[str], format_: str, user: tuple[int, int] | None) -> BackingStore:
    """What the image at `seen[-1]` stands on; `seen` are the paths above and its own.  Blocks."""
    path = seen[-1]
    if format_ not in WITH_BACKING:
        return BackingStore()
    header = _read(path, format_, seen[-2] if len(seen) > 1 else None, user)
    if header.backing is None:
        return BackingStore()
    store = backing_store(header.backing, header.backing_format or "raw", path)
    assert store.source is not None
    below = store.source.local_path
    if below is None:
        return store
    if below in seen or len(seen) > MAX_DEPTH:
        text = f"backing store for {path} is self-referential or too deeply nested"
        raise VirtError(Code.INTERNAL_ERROR, text, source=From.STORAGE)
    if header.backing_format is None:
        _guess_format(store, below, path, user)
    assert store.format is not None
    store.backing_store = _look_below([*seen, below], store.format.type or "raw", user)
    return store


def _guess_format(store: BackingStore, path: str, parent: str, user: tuple[int, int] | None) -> None:
    """An image names no format for its backing file: harmless as long as that one leads no further.

    A guest could write a header into its raw image otherwise, and have any file of the host opened.
    """
    header = _read(path, None, parent, user)
    if header.backing is not None:
        text = (
            f"format of backing image '{path}' of image '{parent}' was not specified in the image metadata "
            "(See https://libvirt.org/kbase/backing_chains.html for troubleshooting)"
        )
        raise VirtError(Code.OPERATION_FAILED, text, source=From.STORAGE)
    assert store.format is not None
    store.format = Format(type=cast("StorageFormat", header.format))


def _read(path: str, format_: str | None, parent: str | None, user: tuple[int, int] | None) -> Header:
    try:
        return read_header(path, format_)
    except OSError as error:
        what = f"backing file '{path}' of storage file '{parent}'" if parent else f"storage file '{path}'"
        whom = f" (as uid:{user[0]}, gid:{user[1]})" if user else ""
        text = f"Cannot access {what}{whom}: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.STORAGE) from error


def without_found(domain: Domain) -> Domain:
    """A copy, to be written, that shows no more of the disks' images than the definition named.

    That nothing is below an image stays, as with libvirt: who reads it need not look.
    """
    result = copy(domain)
    result.devices = copy(domain.devices)
    result.devices.disks = [_cut(disk) for disk in domain.devices.disks]
    return result


def _cut(image: _Image) -> _Image:
    below = image.backing_store
    if below is None:
        return image
    result = copy(image)
    result.backing_store = None if below.found and below.source is not None else _cut(below)
    return result
