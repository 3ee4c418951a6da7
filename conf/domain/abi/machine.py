# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest sees of its processors, clocks and firmware tables."""

from __future__ import annotations

from typing import Any

from conf.domain.abi.compare import Check, check_all, each, number, refuse, same, string, word, yes_no
from conf.domain.cpu import CPU
from conf.domain.domain import Domain
from conf.domain.sysinfo import Entry, Sysinfo

_CHANGED = "Target {} %s does not match source %s"

_CPU: tuple[Check, ...] = (
    same(_CHANGED.format("CPU mode"), word("mode", "custom")),
    same(_CHANGED.format("CPU check"), word("check_")),
    same(_CHANGED.format("CPU model"), string("model.name")),
    same(_CHANGED.format("CPU vendor"), string("vendor")),
    same(_CHANGED.format("CPU vendor id"), string("model.vendor_id")),
    *(
        same(_CHANGED.format(f"CPU {part}"), number(f"topology.{part}"))
        for part in ("sockets", "dies", "cores", "threads")
    ),
    same("Target CPU maxphysaddr does not match source", "maxphysaddr"),
    each(
        "features",
        _CHANGED.format("CPU feature count"),
        same(_CHANGED.format("CPU feature"), "name"),
        same(_CHANGED.format("CPU feature policy"), "policy"),
    ),
    same("Target CPU cache does not match source", "cache"),
)


def _cpu(old: Domain, new: Domain) -> None:
    if (old.cpu is None) != (new.cpu is None):
        refuse("Target CPU does not match source")
    if old.cpu is not None:
        check_all(_CPU, old.cpu, new.cpu or CPU())


def _vcpus(domain: Domain) -> dict[int, tuple[bool, int]]:
    """Number → whether it is there at start, and when it was plugged in (0: not said)."""
    count = domain.vcpu.count
    if domain.vcpus:
        return {entry.id: (entry.enabled, entry.order or 0) for entry in domain.vcpus}
    online = count if domain.vcpu.current is None else domain.vcpu.current
    return {number_: (number_ < online, 0) for number_ in range(count)}


def _vcpu_states(old: Domain, new: Domain) -> None:
    after = _vcpus(new)
    for index, (enabled, order) in sorted(_vcpus(old).items()):
        enabled_now, order_now = after.get(index, (False, 0))
        if enabled != enabled_now:
            refuse("State of vCPU '%s' differs between source and destination definitions", index)
        if order != order_now:
            refuse("vcpu enable order of vCPU '%s' differs between source and destination definitions", index)


def _tsc(old: Any, new: Any) -> None:
    if old.name == "tsc":
        same("Target TSC frequency %s does not match source %s", number("frequency"))(old, new)
        same("Target TSC mode %s does not match source %s", word("mode", "none"))(old, new)


_TIMERS = each(
    "clock.timers",
    "Target domain timers do not match source",
    same("Target timer %s does not match source %s", "name"),
    same("Target timer presence '%s' does not match source '%s'", yes_no("present")),
    _tsc,
)

#: Table → what messages call it, and its strings by the names there and in XML.
_STRINGS = {
    "bios": ("BIOS", "vendor version date release"),
    "system": ("system", "vendor product version serial uuid sku family"),
    "base_board": ("base board", "vendor product version serial asset location"),
    "chassis": ("chassis", "vendor version serial asset sku"),
}


def _string(table: str, name: str) -> Check:
    key = "manufacturer" if name == "vendor" and table != "bios" else name
    text = _CHANGED.format(f"sysinfo {_STRINGS[table][0]} {name}")
    return same(text, string(lambda entries: Sysinfo.string_of(key, entries)))


def _strings(table: str, old: list[Entry], new: list[Entry]) -> None:
    check_all((_string(table, name) for name in _STRINGS[table][1].split()), old, new)


def _sysinfo(old: Sysinfo, new: Sysinfo) -> None:
    same(_CHANGED.format("sysinfo"), "type")(old, new)
    for table in ("bios", "system"):
        _table(table, getattr(old, table), getattr(new, table), "Target sysinfo does not match source")
    count = "Target sysinfo base board count '%s' does not match source '%s'"
    each("base_boards", count, lambda a, b: _strings("base_board", a.entries, b.entries))(old, new)
    _table("chassis", old.chassis, new.chassis, "Target chassis does not match source")


def _table(table: str, old: list[Entry], new: list[Entry], missing: str) -> None:
    if bool(old) != bool(new):
        refuse(missing)
    _strings(table, old, new)


VCPUS: tuple[Check, ...] = (same(_CHANGED.format("domain vCPU max"), "vcpu.count"), _vcpu_states)
SYSTEM: tuple[Check, ...] = (
    same(_CHANGED.format("domain OS type"), "os.type.type"),
    same(_CHANGED.format("domain architecture"), word("os.type.arch", "none")),
    same(_CHANGED.format("domain machine type"), string("os.type.machine")),
    same(_CHANGED.format("domain SMBIOS mode"), word("os.smbios.mode", "none")),
)
PROCESSOR: tuple[Check, ...] = (
    _TIMERS,
    _cpu,
    each("sysinfos", "Target domain count of sysinfo does not match source", _sysinfo),
)
