# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists of disks that ask something of a domain's disks: in snapshots, checkpoints and backups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from conf.domain import Domain
from conf.domain.devices.disk import Disk
from conf.errors import ConfigUnsupportedError


class DiskRequest(Protocol):
    """An entry of such a list."""

    name: str


R = TypeVar("R", bound=DiskRequest)


def match_requests(requests: Iterable[R], find: Callable[[str], Disk | None]) -> Iterator[tuple[R, Disk]]:
    """Each request with its disk.  It has its own name while it is looked at, and its disk's afterwards.

    Raises:
        ConfigUnsupportedError: there is no such disk, or it is named twice.
    """
    found: set[str] = set()
    for request in requests:
        disk = find(request.name)
        if disk is None:
            raise ConfigUnsupportedError(f"no disk named '{request.name}'")
        target = target_of(disk)
        if target in found:
            raise ConfigUnsupportedError(f"disk '{request.name}' specified twice")
        found.add(target)
        yield request, disk
        request.name = target


def target_of(disk: Disk) -> str:
    """The name that a disk has in such lists."""
    return disk.target.dev or ""


def refuse_too_many(requests: list[R], domain: Domain, what: str) -> None:
    """Refuse a list with more entries than the domain has disks.

    Raises:
        ConfigUnsupportedError: it has.
    """
    if len(requests) > len(domain.devices.disks):
        raise ConfigUnsupportedError(f"too many disk {what} requests for domain")
