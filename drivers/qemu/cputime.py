# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU time of a running QEMU and its threads, as the kernel counts it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.qemu.guest import Guest

_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_KIB_PER_PAGE = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(slots=True, frozen=True)
class Usage:
    """Nanoseconds of CPU, KiB of memory, the CPU it last ran on; all 0 where the process is gone."""

    user: int = 0
    system: int = 0
    rss: int = 0
    processor: int = 0

    @property
    def time(self) -> int:
        return self.user + self.system


def total(guest: Guest) -> Usage:
    """The whole process."""
    process = guest.runtime.process if guest.runtime else None
    return _usage(f"/proc/{process.pid}/stat") if process else Usage()


def thread(pid: int, thread_id: int) -> Usage:
    """One thread of it."""
    return _usage(f"/proc/{pid}/task/{thread_id}/stat")


def schedule(pid: int, thread_id: int) -> tuple[int, int]:
    """(nanoseconds on a CPU, nanoseconds waiting for one) of a thread."""
    try:
        with open(f"/proc/{pid}/task/{thread_id}/schedstat", "rb") as file:
            ran, waited, _ = file.read().split()
    except (OSError, ValueError):
        return 0, 0
    return int(ran), int(waited)


def _usage(path: str) -> Usage:
    try:
        with open(path, "rb") as file:
            stat = file.read()
    except OSError:
        return Usage()
    fields = stat[stat.rindex(b")") + 2 :].split()
    return Usage(
        user=int(fields[11]) * _NS_PER_TICK,
        system=int(fields[12]) * _NS_PER_TICK,
        rss=int(fields[21]) * _KIB_PER_PAGE,
        processor=int(fields[36]),
    )
