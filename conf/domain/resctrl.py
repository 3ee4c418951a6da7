# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shares of caches and memory bandwidth, which the host gives to groups of vCPUs."""

from __future__ import annotations

from conf.bitmap import format_bitmap, parse_bitmap
from conf.domain.cputune import CacheMonitor, CacheTune, CPUTune, MemoryBandwidthTune
from conf.errors import InvalidArgError, XMLError

#: The only cache whose use the host can tell.
_MONITORED_LEVEL = 3


def settle_resource_control(tune: CPUTune, vcpus: int) -> None:
    """Limit groups to the guest's vCPUs, drop empty ones, refuse those that share vCPUs.

    Raises:
        ConfError: with libvirt's code and text.
    """
    tune.cachetunes = [group for group in tune.cachetunes if _settle_group(group, vcpus)]
    tune.memorytunes = [group for group in tune.memorytunes if _settle_group(group, vcpus)]
    _check_monitors(tune)
    groups: list[set[int]] = []
    for cachetune in tune.cachetunes:
        _check_caches(cachetune)
        _add_group(groups, cachetune, identical=XMLError("Identical vcpus in cachetunes found"))
    bandwidth_groups: list[set[int]] = []
    for memorytune in tune.memorytunes:
        _check_bandwidth(memorytune)
        _add_group(bandwidth_groups, memorytune, identical=XMLError("Identical vcpus in memorytunes found"))
        # The same vCPUs may have a share of both kinds.
        if any(group & bandwidth_groups[-1] and group != bandwidth_groups[-1] for group in groups):
            raise XMLError("Overlapping vcpus in resctrls")


def _settle_group(group: CacheTune | MemoryBandwidthTune, vcpus: int) -> bool:
    """Whether the group has members and something for them."""
    members = {vcpu for vcpu in parse_bitmap(group.vcpus) if vcpu < vcpus}
    group.vcpus = format_bitmap(members)
    for monitor in group.monitors:
        if not parse_bitmap(monitor.vcpus) <= members:
            raise InvalidArgError("Monitor vcpus conflicts with allocation")
    return bool(members and (_shares(group) or group.monitors))


def _shares(group: CacheTune | MemoryBandwidthTune) -> bool:
    return bool(group.caches if isinstance(group, CacheTune) else group.nodes)


def _check_monitors(tune: CPUTune) -> None:
    """Monitors of one group watch different vCPUs, be they its share of caches' or of bandwidth's."""
    by_group: dict[str, list[set[int]]] = {}
    groups: list[CacheTune | MemoryBandwidthTune] = [*tune.cachetunes, *tune.memorytunes]
    for group in groups:
        watched = by_group.setdefault(group.vcpus, [])
        own: list[set[int]] = []
        # What has a share may be watched as a whole besides.
        whole = parse_bitmap(group.vcpus) if _shares(group) else None
        for monitor in group.monitors:
            if isinstance(monitor, CacheMonitor) and monitor.level != _MONITORED_LEVEL:
                raise XMLError(f"Invalid monitor cache level '{monitor.level}'")
            members = parse_bitmap(monitor.vcpus)
            if members in own:
                raise InvalidArgError("Identical vcpus found in same type monitors")
            own.append(members)
            if members == whole:
                continue
            if any(members & other and members != other for other in watched):
                raise InvalidArgError("vcpus overlaps in resctrl groups")
            watched.append(members)


def _add_group(groups: list[set[int]], group: CacheTune | MemoryBandwidthTune, *, identical: XMLError) -> None:
    members = parse_bitmap(group.vcpus)
    for other in groups:
        if members == other:
            raise identical
        if members & other:
            raise XMLError("Overlapping vcpus in resctrls")
    groups.append(members)


def _check_caches(group: CacheTune) -> None:
    """A cache is given once: as a whole, or its halves for code and data."""
    seen: set[tuple[int, int, str]] = set()
    for cache in group.caches:
        halves = {"code", "data"} if cache.type == "both" else {cache.type}
        places = {(cache.level, cache.id, half) for half in halves}
        if places & seen:
            raise XMLError(
                f"Colliding cache allocations for cache level '{cache.level}' id '{cache.id}', type '{cache.type}'"
            )
        seen |= places


def _check_bandwidth(group: MemoryBandwidthTune) -> None:
    seen: set[int] = set()
    for node in group.nodes:
        if node.bandwidth > 100:
            raise XMLError("Memory Bandwidth value exceeding 100 is invalid.")
        if node.id in seen:
            raise XMLError(f"Memory Bandwidth already defined for node {node.id}")
        seen.add(node.id)
