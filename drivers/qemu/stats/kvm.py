# SPDX-License-Identifier: LGPL-2.1-or-later
"""What KVM counts, as `query-stats` tells it."""

from __future__ import annotations

from drivers.qemu.guest import Guest
from drivers.qemu.stats.query import Question, Replies
from virtd.params import ParamList

SCHEMAS = Question("schemas", "query-stats-schemas", {"provider": "kvm"})
VCPUS = Question("vcpu-stats", "query-stats", {"target": "vcpu"})
MACHINE = Question("vm-stats", "query-stats", {"target": "vm"})

#: QEMU's kind of figure → the end of the parameter's name; other kinds are no single numbers.
_ENDINGS = {"cumulative": "sum", "instant": "cur", "peak": "max"}

Figures = dict[str, int]


def is_used(guest: Guest) -> bool:
    """Whether there is something to ask."""
    return guest.active and guest.definition.type == "kvm"


def figures(replies: Replies, question: Question) -> dict[str, Figures]:
    """Name → figure, a mapping for each CPU by its place in QEMU's tree, or for the machine, which has none.

    QEMU tells of its CPUs in no order that means anything.
    """
    return {
        str(r.get("qom-path", "")): {
            str(s.get("name")): s["value"] for s in r.get("stats", ()) if isinstance(s.get("value"), int)
        }
        for r in replies.get(question.key, ())
        if r.get("provider") == "kvm"
    }


def add(params: ParamList, prefix: str, counted: Figures, replies: Replies) -> None:
    """Append parameters named after the figures and their kinds."""
    kinds = _kinds(replies)
    for name, value in counted.items():
        if name in kinds and isinstance(value, bool):
            params.add_bool(f"{prefix}.{name}.{kinds[name]}", value)
        elif name in kinds:
            params.add_ullong(f"{prefix}.{name}.{kinds[name]}", value)


def _kinds(replies: Replies) -> dict[str, str]:
    return {
        str(stat.get("name")): _ENDINGS[stat["type"]]
        for schema in replies.get(SCHEMAS.key, ())
        for stat in schema.get("stats", ())
        if stat.get("type") in _ENDINGS
    }
