# SPDX-License-Identifier: LGPL-2.1-or-later
"""The images of a disk, from the one the guest writes to down to the last of its backing files."""

from __future__ import annotations

from dataclasses import dataclass

from conf.domain.devices.disk import Disk
from conf.domain.devices.encryption import Auth
from conf.domain.devices.storage_source import BackingStore, Mirror, StorageFormat, StorageSource

#: What libvirt calls a format and QEMU calls a driver, where the words differ.
DRIVER_OF_FORMAT = {"ploop": "parallels", "vhd": "vhdx", "fat": "raw", "iso": "raw", "dir": "raw"}
#: Formats whose images may have a backing file.
WITH_BACKING = frozenset({"cow", "qcow", "qcow2", "qed", "vmdk"})


@dataclass(slots=True)
class Layer:
    """One image of a disk.  `element` is where the XML describes it."""

    disk: Disk
    element: Disk | BackingStore | Mirror
    source: StorageSource
    readonly: bool

    @property
    def top(self) -> bool:
        """The guest's device works on this image."""
        return self.element is self.disk

    @property
    def type(self) -> str:
        """What it lies on: "file", "block", "network" …"""
        return self.element.type or "file"

    @property
    def format(self) -> StorageFormat:
        """libvirt's word for the format; what is not said is raw."""
        if isinstance(self.element, Disk):
            return (self.element.driver and self.element.driver.type) or "raw"
        return (self.element.format and self.element.format.type) or "raw"

    @property
    def driver(self) -> str:
        """QEMU's word for the format."""
        return DRIVER_OF_FORMAT.get(self.format, self.format)

    @property
    def index(self) -> int:
        """The number in its nodes' names; 0: none yet."""
        holder = self.element if isinstance(self.element, BackingStore) else self.source
        return holder.index or 0

    @index.setter
    def index(self, number: int) -> None:
        holder = self.element if isinstance(self.element, BackingStore) else self.source
        holder.index = number

    @property
    def storage_node(self) -> str:
        """The node of the file, device or connection."""
        return f"libvirt-{self.index}-storage"

    @property
    def slice_node(self) -> str:
        """The node that cuts a part out of a larger file."""
        return f"libvirt-{self.index}-slice-sto"

    @property
    def has_slice(self) -> bool:
        """The image is a part of a file, and its format needs a node of its own to see that."""
        return bool(self.source.slices) and self.driver != "raw"

    @property
    def format_node(self) -> str:
        """The node that reads the image's format; devices and jobs refer to this one."""
        return f"libvirt-{self.index}-format"

    @property
    def nodes(self) -> list[str]:
        """All its nodes, in the order in which they can be closed."""
        return [self.format_node, *([self.slice_node] if self.has_slice else []), self.storage_node]

    @property
    def path(self) -> str | None:
        """Where the image lies on the host, None when it does not."""
        return self.source.file or self.source.dev or self.source.dir

    @property
    def auth(self) -> Auth | None:
        """Who we are to the server; libvirt also reads it from the disk itself."""
        return self.source.auth or (self.disk.auth if self.top else None)

    # What follows is said of the disk and holds for all of its images.

    @property
    def cache(self) -> str | None:
        return self.disk.driver.cache if self.disk.driver else None

    @property
    def io(self) -> str | None:
        return self.disk.driver.io if self.disk.driver else None

    @property
    def discard(self) -> str | None:
        return self.disk.driver.discard if self.disk.driver else None

    @property
    def metadata_cache(self) -> int | None:
        """Bytes of the format's own cache."""
        holder = self.element.driver if isinstance(self.element, Disk) else self.element.format
        return holder.metadata_cache.max_size if holder and holder.metadata_cache else None


def chain(disk: Disk) -> list[Layer]:
    """The images of a disk that has a medium, the guest's first."""
    assert disk.source is not None
    top = Layer(disk, disk, disk.source, readonly=bool(disk.readonly) or disk.device == "cdrom")
    return [top, *backing_chain(disk, disk.backing_store)]


def layers_of(disk: Disk) -> list[Layer]:
    """The same of any disk: an empty drive has none."""
    return [] if disk.is_empty else chain(disk)


def mirror_chain(disk: Disk) -> list[Layer]:
    """The images of a disk's copy under way."""
    mirror = disk.mirror
    assert mirror is not None
    assert mirror.source is not None
    return [Layer(disk, mirror, mirror.source, readonly=False), *backing_chain(disk, mirror.backing_store)]


def backing_chain(disk: Disk, store: BackingStore | None) -> list[Layer]:
    """The images from `store` down."""
    layers = []
    while store is not None and store.source is not None:
        layers.append(Layer(disk, store, store.source, readonly=True))
        store = store.backing_store
    return layers


def ends(element: Disk | BackingStore | Mirror) -> bool:
    """Whether the XML says that nothing is below the last image (an empty <backingStore/>)."""
    store = element.backing_store
    while store is not None and store.source is not None:
        store = store.backing_store
    return store is not None
