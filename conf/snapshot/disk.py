# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<disk>` of a snapshot: how one disk's contents are kept, and where the guest writes from then on."""

from __future__ import annotations

from typing import Any, Literal

from conf.binding import FormatOptions, Model, ParseOptions, attr, child, children, flag
from conf.binding.fields import Values
from conf.domain.devices.storage_source import MetadataCache, StorageFormat, StorageSource, StorageType
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

#: Where the old contents are: nowhere, in the image itself, below a new image, or where the user put them.
Location = Literal["no", "internal", "external", "manual"]


class SnapshotDriver(Model):
    """`<driver>`: the format of the new image."""

    type: StorageFormat | None = attr(
        empty_is_unset=True, error=(ConfigUnsupportedError, "unknown disk snapshot driver '%s'")
    )
    metadata_cache: MetadataCache | None = child()


def _of_new_image(value: Any, own: Values, _around: Values, _options: FormatOptions) -> Any:
    """What is said of the new image, if there is something to say."""
    return value if _says_something(own["type"], own["source"], own["driver"]) else None


def _says_something(kind: str, source: StorageSource | None, driver: SnapshotDriver | None) -> bool:
    return bool(image_path(kind, source) or (driver is not None and driver.type))


def image_path(kind: str, source: StorageSource | None) -> str | None:
    """The image's path on the host or, without the pool, on its server; None if none is given."""
    if source is None:
        return None
    return source.name if kind == "network" else source.file or source.dev


class SnapshotDisk(Model):
    """`<disk>`: named by its target or, before it is aligned with the domain's disks, by its image's path."""

    name: str = attr(required=(InternalError, "missing name from disk snapshot element"))
    snapshot: Location | None = attr()
    type: StorageType = attr(default="file", shown=_of_new_image)
    delete_in_progress: bool = flag("snapshotDeleteInProgress")
    driver: SnapshotDriver | None = child()
    source: StorageSource | None = child()

    @property
    def path(self) -> str | None:
        """The new image's path, None if none is given."""
        return image_path(self.type, self.source)

    def check(self, options: ParseOptions) -> None:
        if self.type in ("dir", "volume"):
            raise XMLError(f"unsupported disk snapshot type '{self.type}'")
        if self.source is not None:
            self.source.check_kind(self.type)
        path = self.path
        if path and self.type != "network" and not path.startswith("/"):
            raise XMLError(f"disk snapshot image path '{path}' must be absolute")
        if not _says_something(self.type, self.source, self.driver):
            self.driver = self.source = None
        elif self.snapshot is None:
            self.snapshot = "external"


class DiskList(Model):
    """`<disks>` by itself: it is read last, when all else is known to be sound."""

    disks: list[SnapshotDisk] = children("disk")
