# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<domainsnapshot>`: a moment of a guest that it can be taken back to."""

from __future__ import annotations

import time
from typing import Literal

from lxml.etree import _Element

from conf.binding import (
    FormatOptions,
    Model,
    ParseOptions,
    attr,
    child,
    child_text,
    children,
    irregular,
)
from conf.binding.reading import element_text
from conf.binding.scalars import BadValueError, read_number
from conf.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLError
from conf.moments import CreationTime, MomentParent, creation_time, require_name_and_time
from conf.savecookie import SaveCookie
from conf.snapshot.disk import Location, SnapshotDisk

#: "disk-snapshot": the guest ran, and only its disks were kept.
SnapshotState = Literal[
    "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended", "disk-snapshot"
]
#: States without memory.
OFFLINE: tuple[SnapshotState, ...] = ("shutoff", "disk-snapshot")
#: States in which the guest has memory to go back to.
ONLINE: tuple[SnapshotState, ...] = ("running", "paused")


class SnapshotMemory(Model):
    """`<memory>`: where the contents of the guest's memory are."""

    snapshot: Location | None = attr()
    file: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.snapshot == "manual":
            raise XMLError("'manual' memory snapshot mode not supported")
        if self.snapshot is None and self.file is not None:
            self.snapshot = "external"
        if self.file is not None and self.snapshot != "external":
            raise XMLError(f"memory filename '{self.file}' requires external snapshot")
        if self.file is None and self.snapshot == "external":
            raise XMLError("external memory snapshots require a filename")


def _parse_active(element: _Element, _options: ParseOptions) -> int:
    try:
        return int(read_number(element_text(element)) != 0)
    except BadValueError:
        raise XMLError("Could not find 'active' element") from None


def _format_owner(uuid: str, _options: FormatOptions) -> list[str]:
    return ["<domain>", f"  <uuid>{uuid}</uuid>", "</domain>"]


def _format_active(active: int, _options: FormatOptions) -> list[str]:
    return [f"<active>{active}</active>"]


class Snapshot(Model):
    """`<domainsnapshot>`.

    Attributes:
        creation_time: seconds since 1970.
        inactive_domain: the stored definition, where the guest ran with another one.
        owner: the guest's UUID, written in the place of a domain that is not known.
        active: 1, it is the guest's current one, or 0; stands in the daemon's own records only.
    """

    name: str | None = child_text()
    description: str | None = child_text()
    state: SnapshotState | None = child_text(
        error=(ConfigUnsupportedError, "Invalid state '%s' in domain snapshot XML")
    )
    parent: MomentParent | None = child()
    creation_time: CreationTime | None = creation_time("snapshot")
    memory: SnapshotMemory | None = child()
    disks: list[SnapshotDisk] = children("disk", within="disks")
    domain: Domain | None = child(definition=True)
    owner: str | None = irregular("domain", parse=lambda _element, _options: None, format=_format_owner)
    inactive_domain: Domain | None = child("inactiveDomain", definition=True)
    cookie: SaveCookie | None = child(keep_empty=True)
    active: int | None = irregular("active", parse=_parse_active, format=_format_active)

    @property
    def parent_name(self) -> str | None:
        """The name of the snapshot before."""
        return self.parent.name if self.parent is not None else None

    @property
    def memory_location(self) -> Location | None:
        """Where the guest's memory is; None if that was left open."""
        return self.memory.snapshot if self.memory is not None else None

    @property
    def is_external(self) -> bool:
        """Whether any part of it lies outside of the guest's images."""
        return self.memory_location == "external" or any(disk.snapshot == "external" for disk in self.disks)

    def settle_new(self, *, offline: bool, now: int | None = None) -> None:
        """Complete the description of a snapshot that is to be taken.

        Args:
            offline: the guest's memory will not be part of it.

        Raises:
            XMLError: it asks for the memory all the same.
        """
        self.creation_time = int(time.time()) if now is None else now
        self.name = self.name or str(self.creation_time)
        self._check_memory(offline=offline)

    def settle_existing(self) -> None:
        """Complete the description of a snapshot that was taken before.

        Raises:
            ConfError: it lacks what every snapshot has.
        """
        require_name_and_time(self, "snapshot")
        if self.state is None:
            raise XMLError("missing state from existing snapshot")
        offline = self.state in OFFLINE
        if self.memory_location is None:
            self.memory = SnapshotMemory(snapshot="no" if offline else "internal")
        self._check_memory(offline=offline)

    def _check_memory(self, *, offline: bool) -> None:
        if offline and self.memory_location not in (None, "no"):
            raise XMLError("memory state cannot be saved with offline or disk-only snapshot")
        file = self.memory.file if self.memory is not None else None
        if file is not None and not file.startswith("/"):
            raise XMLError(f"memory snapshot file path ({file}) must be absolute")
        if self.memory_location is None:
            self.memory = None
