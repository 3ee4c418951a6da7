# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of clocks and huge pages."""

from __future__ import annotations

from conf.bitmap import parse_bitmap
from conf.domain.clock import Timer
from conf.domain.domain import Domain
from conf.errors import ConfigUnsupportedError, XMLDetailError, XMLError

#: Attribute of a timer → the timers that have it.
_TIMER_ATTRIBUTES = {
    "tickpolicy": ("platform", "pit", "rtc", "hpet", "tsc", "armvtimer"),
    "track": ("platform", "rtc"),
    "frequency": ("tsc",),
    "mode": ("tsc",),
}


def check_timers(domain: Domain) -> None:
    """Raise ConfError for a timer with an attribute of another."""
    for timer in domain.clock.timers:
        _check_timer(timer)


def _check_timer(timer: Timer) -> None:
    for name, timers in _TIMER_ATTRIBUTES.items():
        if getattr(timer, name) and timer.name not in timers:
            raise ConfigUnsupportedError(f"timer {timer.name} doesn't support setting of timer {name}")
    catchup = timer.catchup
    if timer.tickpolicy != "catchup" and catchup and (catchup.threshold or catchup.slew or catchup.limit):
        raise XMLError("setting of timer catchup policies is only supported with tickpolicy='catchup'")


def check_hugepages(domain: Domain) -> None:
    """Raise XMLDetailError for pages whose nodes overlap or do not exist."""
    backing = domain.memory_backing
    if backing is None or backing.hugepages is None:
        return
    pages = backing.hugepages.pages
    nodes = len(domain.cpu.numa.cells) if domain.cpu and domain.cpu.numa else 0
    if any(page.size == 0 for page in pages):
        raise XMLDetailError("hugepage size can't be zero")
    for i, page in enumerate(pages):
        wanted = parse_bitmap(page.nodeset) if page.nodeset else set()
        # Without nodes of its own a guest has one, number 0.
        missing = [node for node in sorted(wanted) if node >= max(nodes, 1)]
        if missing:
            raise XMLDetailError(f"hugepages: node {missing[0]} not found")
        for other in pages[:i]:
            if page.nodeset is None and other.nodeset is None:
                raise XMLDetailError(f"two master hugepages detected: {page.size} and {other.size}")
            if other.nodeset and wanted & parse_bitmap(other.nodeset):
                raise XMLDetailError(f"nodeset attribute of hugepages of sizes {page.size} and {other.size} intersect")
