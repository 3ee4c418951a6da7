# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of snapshots.

A document describes a snapshot to be taken (name, description, wishes about memory and disks) or, with
`redefine`, one that exists: then its whole history counts, and the domain as it was.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml.etree import _Element

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.errors import XMLError
from conf.moments import drop, prepare_moment
from conf.snapshot.align import align_disks
from conf.snapshot.disk import DiskList, Location, SnapshotDisk
from conf.snapshot.redefine import settle_redefinition
from conf.snapshot.snapshot import OFFLINE, Snapshot, SnapshotMemory

__all__ = [
    "Location",
    "Snapshot",
    "SnapshotDisk",
    "SnapshotMemory",
    "align_disks",
    "format_snapshot",
    "parse_snapshot",
    "settle_redefinition",
]

#: Its disks are read as those of a running guest: the labels of their images are all there.
_OPTIONS = ParseOptions(inactive=False)


def parse_snapshot(
    xml: str | bytes,
    *,
    redefine: bool = False,
    internal: bool = False,
    offline: bool = False,
    now: int | None = None,
) -> Snapshot:
    """A snapshot from untrusted XML; its disks are as written, see `align_disks`.

    Args:
        redefine: it exists already.
        internal: it is the daemon's own record, which says whether the snapshot is the current one.
        offline: it will be taken without the guest's memory.
        now: the time that a new one is given.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "domainsnapshot", what="domain_snapshot")
    prepare_moment(root, redefine=redefine)
    lists = root.findall("disks")
    drop(root, "disks", *_idle_members(root, redefine=redefine, internal=internal))
    snapshot = read(Snapshot, root, _OPTIONS)
    if redefine:
        snapshot.settle_existing()
    else:
        snapshot.settle_new(offline=offline, now=now)
    for element in lists:
        snapshot.disks += _read_disks(element)
    if internal and snapshot.active is None:
        raise XMLError("Could not find 'active' element")
    return snapshot


def _idle_members(root: _Element, *, redefine: bool, internal: bool) -> Iterator[str]:
    """Members that do not count in such a document."""
    if not redefine:
        yield "state"
    if not redefine or root.findtext("state") in OFFLINE:
        yield "cookie"
    if not internal:
        yield "active"


def _read_disks(element: _Element) -> list[SnapshotDisk]:
    for source in element.iterfind("disk/source"):
        # Said about a disk of a running guest, not about its snapshot.
        for name in ("startupPolicy", "index"):
            source.attrib.pop(name, "")
    return read(DiskList, element, _OPTIONS).disks


def format_snapshot(
    snapshot: Snapshot, *, uuid: str | None = None, secure: bool = False, internal: bool = False
) -> str:
    """A snapshot's XML as libvirt 9.0.0 writes it.

    Args:
        uuid: the guest's, for snapshots without a domain.
        secure: with passwords.
        internal: the daemon's own record.
    """
    shown: dict[str, object] = {"active": int(bool(snapshot.active)) if internal else None}
    if snapshot.domain is None:
        shown["owner"] = uuid
    options = FormatOptions(inactive=False, secure=secure)
    return format_document(snapshot.model_copy(update=shown), "domainsnapshot", options)
