# SPDX-License-Identifier: LGPL-2.1-or-later
"""The words in which the comparison of two definitions is declared.

A check takes the old thing and the new one and raises ConfigUnsupportedError where a guest would notice a
difference.  libvirt's sentences mostly name the new value ("Target …") before the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from conf.errors import ConfigUnsupportedError, of_domain

#: (old, new)
Check = Callable[[Any, Any], None]
Getter = Callable[[Any], Any]

#: How libvirt's messages spell a string that is not there.
NULL = "<null>"


def path(dotted: str) -> Getter:
    """A getter of a member of a member; None as soon as one is missing."""
    names = dotted.split(".")

    def get(thing: Any) -> Any:
        for name in names:
            if thing is None:
                return None
            thing = getattr(thing, name)
        return thing

    return get


def same(text: str, of: str | Getter, *, old_first: bool = False) -> Check:
    """The value `of` both is the same; it is shown in `text` for each %s (twice, or not at all)."""
    get = path(of) if isinstance(of, str) else of

    def check(old: Any, new: Any) -> None:
        before, after = get(old), get(new)
        if before != after:
            refuse(text, *((before, after) if old_first else (after, before)))

    return check


def refuse(text: str, *values: object) -> None:
    """Raise the complaint with the values in it, as many as it shows."""
    raise of_domain(ConfigUnsupportedError(text % values[: text.count("%s")]))


def word(of: str | Getter, unset: str = "default") -> Getter:
    """A getter of a text or one of some words; `unset` is what libvirt calls the absence."""
    get = path(of) if isinstance(of, str) else of

    def shown(thing: Any) -> str:
        value = get(thing)
        return unset if value is None else str(value)

    return shown


def string(of: str | Getter) -> Getter:
    """A getter of a text that may be absent."""
    return word(of, NULL)


def number(of: str | Getter, unset: int = 0) -> Getter:
    """A getter of a number."""
    get = path(of) if isinstance(of, str) else of

    def shown(thing: Any) -> int:
        value = get(thing)
        return unset if value is None else int(value)

    return shown


def switch(of: str | Getter) -> Getter:
    """A getter of what is on, off or left to the hypervisor."""
    return _truth(of, "on", "off")


def yes_no(of: str | Getter) -> Getter:
    """A getter of what is yes, no or left to the hypervisor."""
    return _truth(of, "yes", "no")


def tristate(of: str | Getter) -> Getter:
    """A getter of the same as a number, which is what some messages show: 0 unset, 1 yes, 2 no."""
    return _truth(of, "1", "2", "0")


def _truth(of: str | Getter, true: str, false: str, unset: str = "default") -> Getter:
    get = path(of) if isinstance(of, str) else of

    def shown(thing: Any) -> str:
        value = get(thing)
        return unset if value is None else true if value else false

    return shown


def present(of: str) -> Getter:
    """A getter of whether there is such a thing."""
    get = path(of)
    return lambda thing: get(thing) is not None


def truth(of: str) -> Getter:
    """A getter of whether something is so."""
    get = path(of)
    return lambda thing: bool(get(thing))


def check_all(checks: Iterable[Check], old: Any, new: Any) -> None:
    """Run all checks on one pair."""
    for check in checks:
        check(old, new)


def each(of: str | Getter, count: str, *checks: Check) -> Check:
    """Two lists have as many members (`count` shows the numbers), and these are alike one by one."""
    get = path(of) if isinstance(of, str) else of

    def check(old: Any, new: Any) -> None:
        before, after = _listed(get(old)), _listed(get(new))
        if len(before) != len(after):
            refuse(count, len(after), len(before))
        for pair in zip(before, after, strict=True):
            check_all(checks, *pair)

    return check


def _listed(found: Any) -> Sequence[Any]:
    """A single thing as a list of one, its absence as an empty one."""
    if found is None:
        return ()
    return found if isinstance(found, (list, tuple)) else (found,)
