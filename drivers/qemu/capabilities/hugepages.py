# SPDX-License-Identifier: LGPL-2.1-or-later
"""Huge pages: where they are mounted on this host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class HugePages:
    """`mounts`: KiB of a page → folder.  `default`: the size the kernel takes when none is named."""

    mounts: dict[int, str] = field(default_factory=dict)
    default: int | None = None


def find_hugepages(configured: Iterable[str], mounts: Path = Path("/proc/mounts")) -> HugePages:
    """The folders that the administrator named, else what is mounted.  Blocks."""
    folders = list(configured) or list(_mounted(mounts))
    found: dict[int, str] = {}
    for folder in folders:
        try:
            found.setdefault(os.statvfs(folder).f_bsize // 1024, folder)
        except OSError:
            continue
    return HugePages(found, _default_size())


def _mounted(mounts: Path) -> Iterable[str]:
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if len(fields) > 2 and fields[2] == "hugetlbfs":
            yield fields[1]


def _default_size() -> int | None:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("Hugepagesize:")), None)
    except OSError:
        return None
