# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the end of a block job changes in a disk's XML."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Protocol

from conf.domain import Domain
from conf.domain.devices.disk import Disk, DiskDriver
from conf.domain.devices.storage_source import BackingStore, Mirror, StorageFormat, StorageSource, StorageType
from drivers.common.images.jobkinds import JobKind
from drivers.common.images.layers import Layer, chain, layers_of, mirror_chain

#: A holder of a chain: its `backing_store` is what is below.
Holder = Disk | BackingStore


def images(disk: Disk) -> list[Layer]:
    """All images QEMU has open for a disk."""
    own = layers_of(disk)
    copied = mirror_chain(disk) if disk.mirror is not None and disk.mirror.job == "copy" else []
    return own + copied


def gone(before: list[Layer], disk: Disk) -> list[Layer]:
    """Those of `before` that the disk has no more, the upper ones first."""
    left = {layer.index for layer in images(disk)}
    return [layer for layer in before if layer.index not in left]


def holder(disk: Disk, index: int) -> Holder:
    """The element of image number `index`.

    Raises:
        LookupError: the disk has none.
    """
    for layer in chain(disk):
        if layer.index == index and not isinstance(layer.element, Mirror):
            return layer.element
    raise LookupError(f"disk {disk.target.dev} has no image number {index}")


def replace_top(
    disk: Disk, type_: StorageType | None, source: StorageSource | None, format_: StorageFormat | None
) -> None:
    """Put another image in the place of the one the guest works on; what is below stays."""
    old = disk.source
    disk.type = type_ or "file"
    disk.source = source
    if source is not None and old is not None:
        source.startup_policy, source.seclabels = old.startup_policy, old.seclabels
    disk.driver = disk.driver or DiskDriver(name="qemu")
    disk.driver.type = format_


def to_copy(disk: Disk) -> None:
    """The guest works on the copy now."""
    mirror = disk.mirror
    assert mirror is not None
    replace_top(disk, mirror.type, mirror.source, mirror.format.type if mirror.format else None)
    # A shallow copy stands on what the former image stood on.
    if mirror.backing_store is not None:
        disk.backing_store = mirror.backing_store
    disk.mirror = None


def to_base(disk: Disk, base: int) -> None:
    """The guest works on what was a backing file, into which all above was merged."""
    store = holder(disk, base)
    assert isinstance(store, BackingStore)
    assert store.source is not None
    store.source.index = store.index
    replace_top(disk, store.type, store.source, store.format.type if store.format else None)
    _put_below(disk, store.backing_store)
    disk.mirror = None


def committed(disk: Disk, top: int, base: int) -> None:
    """The images from number `top` to above `base` are merged into `base`."""
    above = next(layer.element for layer in chain(disk) if _below(layer) == top)
    store = holder(disk, base)
    assert isinstance(store, BackingStore)
    _put_below(above, store)


def _put_below(above: Disk | BackingStore | Mirror, store: BackingStore | None) -> None:
    """What the definition did not name before it does not name now."""
    if store is not None and above.backing_store is not None:
        store.found = above.backing_store.found
    above.backing_store = store


def _below(layer: Layer) -> int | None:
    store = layer.element.backing_store
    return store.index if store is not None else None


def pulled(disk: Disk, top: int, base: int | None) -> None:
    """What was between `top` and `base` (None: all below) is in `top` now."""
    below = BackingStore() if base is None else holder(disk, base)
    assert isinstance(below, BackingStore)
    _put_below(holder(disk, top), below)


class Numbered(Protocol):
    """A block job that says by numbers which images it is about."""

    @property
    def top(self) -> int: ...

    @property
    def base(self) -> int | None: ...


#: What the success of a job does to the disk.
SUCCESS: dict[JobKind, Callable[[Disk, Numbered], None]] = {
    JobKind.COPY: lambda disk, job: to_copy(disk),
    JobKind.ACTIVE_COMMIT: lambda disk, job: to_base(disk, job.base or 0),
    JobKind.COMMIT: lambda disk, job: committed(disk, job.top, job.base or 0),
    JobKind.PULL: lambda disk, job: pulled(disk, job.top, job.base),
}


def stored_disk(stored: Domain | None, live: Disk) -> Disk | None:
    """The disk of the stored definition that is the same as `live`: same target, same image."""
    if stored is None:
        return None
    found = (disk for disk in stored.devices.disks if disk.target.dev == live.target.dev)
    return next((disk for disk in found if same_image(disk, live)), None)


def same_image(one: Disk, other: Disk) -> bool:
    """Both disks name the same image."""
    if one.is_empty or other.is_empty or one.type != other.type:
        return False
    return _place(one.source) == _place(other.source)


def _place(source: StorageSource | None) -> tuple[object, ...]:
    assert source is not None
    hosts = tuple((host.name, host.port, host.socket) for host in source.hosts)
    address = source.address.model_dump_json() if source.address else None
    return source.local_path, source.protocol, source.name, hosts, source.pool, source.volume, address, source.namespace


def follow(stored: Disk, live: Disk, kind: JobKind) -> bool:
    """Bring the stored disk to what the live one has become; False when it says nothing that changed."""
    if not kind.can_pivot:
        if stored.backing_store is None:
            return False
        stored.backing_store = copy.deepcopy(live.backing_store)
        return True
    format_ = live.driver.type if live.driver else None
    replace_top(stored, live.type, copy.deepcopy(live.source), format_)
    stored.backing_store = copy.deepcopy(live.backing_store)
    return True
