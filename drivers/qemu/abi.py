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


def _handed_on(domain: Domain) -> Domain:
    """The form in which definitions are handed on, and behind it what the receiver adds by itself.

    Its place in the lists is lost on the way, so it may not count in the comparison.
    """
    result = migratable_form(domain)
    devices, whole = result.devices, domain.devices
    places = {(controller.type, controller.index) for controller in devices.controllers}
    devices.controllers += [c for c in whole.controllers if (c.type, c.index) not in places]
    devices.inputs += [i for i in whole.inputs if not any(i is kept for kept in devices.inputs)]
    devices.panics = devices.panics or whole.panics
    return result


def check_abi(old: Domain, new: Domain, *, volatile: bool = True) -> None:
    """Compare two complete definitions in the form in which they are handed on.

    Args:
        old: what the guest runs as.
        new: what it would go on as.
        volatile: compare what a running guest changes itself, too.

    Raises:
        ConfigUnsupportedError: the first difference that the guest would notice.
    """
    check_machine(_handed_on(old), _handed_on(new), volatile=volatile, also=_check_memory_names)
