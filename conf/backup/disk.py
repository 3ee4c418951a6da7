# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<disk>` of a backup: what of a disk is copied, and to where."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uint, YesNo, attr, child
from conf.binding.fields import Condition, Values
from conf.domain.devices.storage_source import StorageFormat, StorageSource, StorageType
from conf.errors import InternalError, XMLError


def _copied(mode: str | None = None) -> Condition:
    """While the disk is copied, and the backup is of this mode."""

    def condition(own: Values, around: Values) -> bool:
        return bool(own["backup"]) and mode in (None, around["mode"])

    return condition


_COPIED, _PUSHED, _PULLED = _copied(), _copied("push"), _copied("pull")


class BackupDriver(Model):
    """`<driver>`: the format of the image that is written."""

    type: StorageFormat | None = attr(empty_is_unset=True)


class BackupDisk(Model):
    """`<disk>`.

    Attributes:
        state: how far the job is; in the daemon's own records only.
        backup_mode: everything, or what has changed since the checkpoint `incremental`.
        export_name, export_bitmap: what clients of the server know the disk and its changes by.
        index: the number of the image that is written, while the job runs.
        target: of a backup that is pushed: the backup itself.
        scratch: of one that is pulled: keeps what the guest overwrites meanwhile.
    """

    name: str = attr(required=(InternalError, "missing name from disk backup element"))
    backup: YesNo = attr(default=True)
    state: Literal["running", "complete", "failed", "cancelling", "cancelled"] | None = attr(status=True)
    type: StorageType = attr(default="file", when=_COPIED)
    backup_mode: Literal["full", "incremental"] | None = attr("backupmode", when=_COPIED)
    incremental: str | None = attr(when=_COPIED)
    export_name: str | None = attr("exportname", when=_PULLED)
    export_bitmap: str | None = attr("exportbitmap", when=_PULLED)
    index: Uint | None = attr(omit=0)
    driver: BackupDriver | None = child(when=_COPIED)
    target: StorageSource | None = child(when=_PUSHED)
    scratch: StorageSource | None = child(when=_PULLED)

    @property
    def store(self) -> StorageSource | None:
        """The image that is written."""
        return self.target or self.scratch

    def check(self, options: ParseOptions) -> None:
        if not options.status:
            self.state = self.index = None
        if self.type not in ("file", "block"):
            raise XMLError(f"unsupported disk backup type '{self.type}'")
