# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices by the names that clients and other documents give them."""

from __future__ import annotations

from conf.domain.devices.disk import Disk
from conf.domain.domain import Domain


class DiskIndex:
    """The disks of a domain by target name and image path; a path that two disks have names none."""

    def __init__(self, domain: Domain) -> None:
        self._by_target: dict[str | None, Disk] = {}
        self._by_path: dict[str, Disk | None] = {}
        for disk in domain.devices.disks:
            self._by_target.setdefault(disk.target.dev, disk)
            path = disk.source and (disk.source.file or disk.source.dev)
            if path:
                self._by_path[path] = None if path in self._by_path else disk

    def find(self, name: str) -> Disk | None:
        """The disk of this name."""
        return self._by_path.get(name) if name.startswith("/") else self.find_target(name)

    def find_target(self, name: str) -> Disk | None:
        """The disk with this target name."""
        return self._by_target.get(name)


def find_disk(domain: Domain, name: str) -> Disk | None:
    """The disk with this target name or image path; a path that two disks have names none."""
    return DiskIndex(domain).find(name)
