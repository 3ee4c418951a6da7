# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest's balloon driver tells of its memory."""

from __future__ import annotations

from drivers.qemu import cputime
from drivers.qemu.guest import Guest
from drivers.qemu.stats.query import Question, Replies
from virtd.enums import DomainMemoryStatTags as Tags

#: QEMU's name → (libvirt's name in bulk statistics, tag, in KiB rather than counted).
_GUEST_STATS: dict[str, tuple[str, int, bool]] = {
    "stat-swap-in": ("swap_in", Tags.SWAP_IN, True),
    "stat-swap-out": ("swap_out", Tags.SWAP_OUT, True),
    "stat-major-faults": ("major_fault", Tags.MAJOR_FAULT, False),
    "stat-minor-faults": ("minor_fault", Tags.MINOR_FAULT, False),
    "stat-free-memory": ("unused", Tags.UNUSED, True),
    "stat-total-memory": ("available", Tags.AVAILABLE, True),
    "stat-available-memory": ("usable", Tags.USABLE, True),
    "stat-disk-caches": ("disk_caches", Tags.DISK_CACHES, True),
    "stat-htlb-pgalloc": ("hugetlb_pgalloc", Tags.HUGETLB_PGALLOC, False),
    "stat-htlb-pgfail": ("hugetlb_pgfail", Tags.HUGETLB_PGFAIL, False),
}
#: What QEMU says for a figure the guest has not told.
_NOT_TOLD = 2**64 - 1

#: Name in bulk statistics → tag of virDomainMemoryStats.
TAGS: dict[str, int] = {
    "actual": Tags.ACTUAL_BALLOON,
    **{name: tag for name, tag, _ in _GUEST_STATS.values()},
    "last-update": Tags.LAST_UPDATE,
    "rss": Tags.RSS,
}


def has_balloon(guest: Guest) -> bool:
    """Whether the guest has a balloon device."""
    device = guest.definition.devices.memballoon
    return device is not None and device.model != "none"


def questions(guest: Guest) -> list[Question]:
    """What has to be asked of QEMU."""
    device = guest.definition.devices.memballoon
    if device is None or not has_balloon(guest):
        return []
    path = f"/machine/peripheral/{device.alias}"
    return [
        Question("balloon", "query-balloon"),
        Question("guest-stats", "qom-get", {"path": path, "property": "guest-stats"}),
    ]


def statistics(guest: Guest, replies: Replies) -> dict[str, int]:
    """Name → value (sizes in KiB), in libvirt's order; without a balloon what the host knows."""
    definition, found = guest.definition, dict[str, int]()
    found["actual"] = definition.current_memory or definition.memory
    told = replies.get("balloon", {})
    if isinstance(told.get("actual"), int):
        found["actual"] = told["actual"] // 1024
    found.update(_told_by_guest(replies.get("guest-stats")))
    found["rss"] = cputime.total(guest).rss
    return found


def _told_by_guest(reply: object) -> dict[str, int]:
    if not isinstance(reply, dict):
        return {}
    told, found = reply.get("stats", {}), dict[str, int]()
    for theirs, (name, _, kib) in _GUEST_STATS.items():
        value = told.get(theirs)
        if isinstance(value, int) and value != _NOT_TOLD:
            found[name] = value // 1024 if kib else value
    found["last-update"] = int(reply.get("last-update", 0))
    return found
