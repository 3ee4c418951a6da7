# SPDX-License-Identifier: LGPL-2.1-or-later
"""The XML format of snapshots.

A document describes a snapshot to be taken (name, description, wishes about memory and disks) or, with
`redefine`, one that exists: then its whole history counts, and the domain as it was.
"""

from __future__ import annotations

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.errors import ConfigUnsupportedError, XMLError
from conf.moments import drop, prepare_moment
from conf.snapshot.align import align_disks
from conf.snapshot.disk import Location, SnapshotDisk
from conf.snapshot.redefine import settle_redefinition
from conf.snapshot.snapshot import Snapshot, SnapshotMemory

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


def parse_snapshot(
    xml: str | bytes,
    *,
    redefine: bool = False,
    disks: bool = True,
    internal: bool = False,
    offline: bool = False,
    now: int | None = None,
) -> Snapshot:
    """A snapshot from untrusted XML; its disks are as written, see `align_disks`.

    Args:
        redefine: it exists already.
        disks: the hypervisor can choose among disks.
        internal: it is the daemon's own record, which says whether the snapshot is the current one.
        offline: it will be taken without the guest's memory.
        now: the time that a new one is given.

    Raises:
        ConfError: with libvirt's code and text.
    """
    root = parse_document(xml, "domainsnapshot", what="domain_snapshot")
    prepare_moment(root, redefine=redefine)
    if not redefine:
        drop(root, "state")
    if not redefine or (root.findtext("state") in ("shutoff", "disk-snapshot")):
        drop(root, "cookie")
    if not internal:
        drop(root, "active")
    elif root.find("active") is None:
        raise XMLError("Could not find 'active' element")
    for source in root.iterfind("disks/disk/source"):
        # Said about a disk of a running guest, not about its snapshot.
        for name in ("startupPolicy", "index"):
            source.attrib.pop(name, "")
    snapshot = read(Snapshot, root, ParseOptions(inactive=False))
    if redefine:
        snapshot.settle_existing()
    else:
        snapshot.settle_new(offline=offline, now=now)
    if snapshot.disks and not disks:
        raise ConfigUnsupportedError("unable to handle disk requests in snapshot")
    return snapshot


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
