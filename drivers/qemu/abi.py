# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a guest that runs as one definition can go on as another in another QEMU."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.abi import check_abi as check_machine
from conf.domain.abi.compare import check_all, same, string, word
from drivers.qemu.migratable import migratable_form

#: Besides what a guest sees: names that stand in the stream of its memory.
_BACKING = same(
    "Target memoryBacking source '%s' doesn't match source memoryBacking source'%s'",
    word("memory_backing.source.type", "none"),
)
_ALIAS = same("Target memory device alias '%s' doesn't match source alias '%s'", string("alias"))


def _check_memory_names(old: Domain, new: Domain) -> None:
    _BACKING(old, new)
    for pair in zip(old.devices.memories, new.devices.memories, strict=True):
        check_all([_ALIAS], *pair)


def check_abi(old: Domain, new: Domain, *, volatile: bool = True) -> None:
    """Compare two complete definitions in the form in which they are handed on.

    Args:
        old: what the guest runs as.
        new: what it would go on as.
        volatile: compare what a running guest changes itself, too.

    Raises:
        ConfigUnsupportedError: the first difference that the guest would notice.
    """
    check_machine(migratable_form(old), migratable_form(new), volatile=volatile, also=_check_memory_names)
