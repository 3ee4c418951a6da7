# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which of a domain's virtual CPUs are there: `<vcpus>` names each of them, without it they are the first ones."""

from __future__ import annotations

from collections.abc import Iterable

from conf.domain import Domain
from conf.domain.cputune import VcpuEntry


def count(domain: Domain) -> int:
    """How many there are."""
    return domain.vcpu.count if domain.vcpu.current is None else domain.vcpu.current


def online(domain: Domain) -> list[int]:
    """The numbers of those that are there."""
    if domain.vcpus:
        return [entry.id for entry in domain.vcpus if entry.enabled]
    return list(range(count(domain)))


def plugged_at_start(domain: Domain) -> list[int]:
    """Those that a fresh QEMU is still to be given, in their order."""
    later = [entry for entry in domain.vcpus if entry.enabled and entry.hotpluggable]
    return [entry.id for entry in sorted(later, key=lambda entry: (entry.order or 0, entry.id))]


def set_count(domain: Domain, wanted: int, *, hotpluggable: bool) -> None:
    """Let a stored definition start with `wanted` CPUs; those that are new can be unplugged then if `hotpluggable`."""
    more = wanted - count(domain)
    if domain.vcpus or (hotpluggable and more > 0):
        entries = domain.vcpus = _each(domain)
        for entry in entries:
            entry.order = None  # of what is plugged in by hand
        for entry in [e for e in entries if not e.enabled][: max(more, 0)]:
            entry.enabled, entry.hotpluggable = True, hotpluggable or entry.hotpluggable
        for entry in [e for e in reversed(entries) if e.enabled][: max(-more, 0)]:
            entry.enabled, entry.hotpluggable = False, True
    _note_count(domain, wanted)


def set_maximum(domain: Domain, wanted: int) -> None:
    """Let a stored definition have at most `wanted` CPUs."""
    now = min(count(domain), wanted)
    if domain.vcpus:
        more = [VcpuEntry(id=number, enabled=False) for number in range(domain.vcpu.count, wanted)]
        domain.vcpus = [*domain.vcpus[:wanted], *more]
        now = len(online(domain))
    domain.vcpu.count = wanted
    _note_count(domain, now)


def note_plugged(domain: Domain, numbers: Iterable[int]) -> None:
    """CPUs have come to what runs; from then on each is named with its turn."""
    entries = domain.vcpus = _each(domain)
    note_turns(domain)
    turn = max(entry.order or 0 for entry in entries) + 1
    for entry in (entries[number] for number in numbers):
        entry.enabled, entry.hotpluggable, entry.order = True, True, turn
    _note_count(domain, len(online(domain)))


def note_turns(domain: Domain) -> None:
    """In which turn the CPUs of what runs came, where they are named and it was not said."""
    there = [entry for entry in domain.vcpus if entry.enabled]
    if not any(entry.order for entry in there):
        for turn, entry in enumerate(there, 1):
            entry.order = turn


def note_unplugged(domain: Domain, numbers: Iterable[int]) -> None:
    """CPUs have gone from what runs."""
    entries = domain.vcpus = _each(domain)
    for entry in (entries[number] for number in numbers):
        entry.enabled, entry.hotpluggable, entry.order = False, True, None
    _note_count(domain, len(online(domain)))


def _each(domain: Domain) -> list[VcpuEntry]:
    """An entry for each CPU; those that have none are there from the start and stay, or wait to be plugged in."""
    now = count(domain)
    plain = (VcpuEntry(id=n, enabled=n < now, hotpluggable=n >= now) for n in range(domain.vcpu.count))
    return domain.vcpus or list(plain)


def _note_count(domain: Domain, now: int) -> None:
    domain.vcpu.current = None if now == domain.vcpu.count else now
