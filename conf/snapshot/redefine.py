# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots described once more by a client: whether the description can be true, and what completes it."""

from __future__ import annotations

import os
from collections.abc import Callable

from conf.domain import Domain
from conf.errors import InternalError, InvalidArgError
from conf.moments import check_owner
from conf.snapshot.align import align_disks
from conf.snapshot.snapshot import ONLINE, Snapshot

#: Raises ConfError if the second domain would look different to a guest that runs as the first.
ABICheck = Callable[[Domain, Domain], None]


def settle_redefinition(
    snapshot: Snapshot,
    known: Snapshot | None,
    uuid: str,
    check_abi: ABICheck,
    *,
    disk_only: bool = False,
    is_file: Callable[[str], bool] = os.path.isfile,
) -> None:
    """Check and complete a snapshot that was read with `redefine`; see `check_lineage` for its parent.

    Args:
        known: the snapshot of this name that there is; its domain is taken over if the new description
            has none, but not the stored definition beside it.
        uuid: the guest's.
        disk_only: the client says that only disks were kept.

    Raises:
        ConfError: with libvirt's code and text.
    """
    _check_claim(snapshot, disk_only=disk_only)
    check_owner(snapshot.domain, uuid, "snapshot", snapshot.name or "")
    if known is not None:
        _check_change(snapshot, known)
        _take_over(snapshot, known, check_abi)
    if snapshot.domain is None:
        raise InternalError("missing domain in snapshot")
    external = snapshot.state == "disk-snapshot" or snapshot.is_external
    align_disks(snapshot, snapshot.domain, "external" if external else "internal", is_file=is_file)


def _check_claim(snapshot: Snapshot, *, disk_only: bool) -> None:
    if disk_only and snapshot.state != "disk-snapshot":
        raise InvalidArgError(f"disk-only flag for snapshot {snapshot.name} requires disk-snapshot state")


def _check_change(snapshot: Snapshot, known: Snapshot) -> None:
    if (snapshot.state in ONLINE) != (known.state in ONLINE):
        raise InvalidArgError(f"cannot change between online and offline snapshot state in snapshot {snapshot.name}")
    if (snapshot.state == "disk-snapshot") != (known.state == "disk-snapshot"):
        raise InvalidArgError(f"cannot change between disk only and full system in snapshot {snapshot.name}")


def _take_over(snapshot: Snapshot, known: Snapshot, check_abi: ABICheck) -> None:
    if known.domain is not None and snapshot.domain is not None:
        check_abi(known.domain, snapshot.domain)
    snapshot.domain = snapshot.domain or known.domain
