# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the guest may do with its power, and performance events that are counted."""

from __future__ import annotations

from typing import Literal, get_args

from conf.binding import Model, ParseOptions, YesNo, attr, child, children
from conf.errors import XMLError


class Suspend(Model):
    """`<suspend-to-mem>`, `<suspend-to-disk>`."""

    enabled: YesNo | None = attr()


class PM(Model):
    """`<pm>`: which sleeping states the guest's firmware offers."""

    suspend_to_mem: Suspend | None = child("suspend-to-mem")
    suspend_to_disk: Suspend | None = child("suspend-to-disk")


PerfName = Literal[
    "cmt",
    "mbmt",
    "mbml",
    "cpu_cycles",
    "instructions",
    "cache_references",
    "cache_misses",
    "branch_instructions",
    "branch_misses",
    "bus_cycles",
    "stalled_cycles_frontend",
    "stalled_cycles_backend",
    "ref_cpu_cycles",
    "cpu_clock",
    "task_clock",
    "page_faults",
    "context_switches",
    "cpu_migrations",
    "page_faults_min",
    "page_faults_maj",
    "alignment_faults",
    "emulation_faults",
]


class PerfEvent(Model):
    """`<event>`."""

    name: PerfName = attr(required=True)
    enabled: YesNo = attr(required=True)


class Perf(Model):
    """`<perf>`."""

    events: list[PerfEvent] = children("event")

    def check(self, options: ParseOptions) -> None:
        names = [event.name for event in self.events]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise XMLError(f"perf event '{name}' was already specified")
        self.events.sort(key=lambda event: get_args(PerfName).index(event.name))
