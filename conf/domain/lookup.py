# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices by the names that clients and other documents give them."""

from __future__ import annotations

from conf.domain.devices.disk import Disk
from conf.domain.domain import Domain


def find_disk(domain: Domain, name: str) -> Disk | None:
    """The disk with this target name or image path; a path that two disks have names none."""
    disks = domain.devices.disks
    if not name.startswith("/"):
        return next((disk for disk in disks if disk.target.dev == name), None)
    found = [disk for disk in disks if disk.source and name in (disk.source.file, disk.source.dev)]
    return found[0] if len(found) == 1 else None
