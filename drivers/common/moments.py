# SPDX-License-Identifier: LGPL-2.1-or-later
"""Moments of a guest, snapshots or checkpoints: a tree, of which one may be the current one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from conf.moments import MomentParent
from virtd.errors import Code, From, VirtError


class Moment(Protocol):
    """What both kinds say of themselves."""

    name: str | None
    parent: MomentParent | None


M = TypeVar("M", bound=Moment)


class Moments(Generic[M]):
    """Those of one guest, by name.

    Args:
        word: what errors call one of them.
        missing: the code of the error where there is none.
    """

    def __init__(self, word: str, missing: Code) -> None:
        self._word, self._missing = word, missing
        self._all: dict[str, M] = {}
        self.current: M | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[M]:
        return iter(tuple(self._all.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._all

    def get(self, name: str | None) -> M | None:
        return self._all.get(name or "")

    def named(self, name: str) -> M:
        """The moment of this name.

        Raises:
            VirtError: there is none.
        """
        found = self._all.get(name)
        if found is None:
            raise VirtError(self._missing, f"no domain {self._word} with matching name '{name}'", source=From.DOMAIN)
        return found

    def parent(self, moment: M) -> M | None:
        """The one before."""
        return self.get(moment.parent.name) if moment.parent is not None else None

    def required_parent(self, moment: M) -> M:
        """The same.

        Raises:
            VirtError: it is a root.
        """
        found = self.parent(moment)
        if found is None:
            text = f"{self._word.split()[-1]} '{moment.name}' does not have a parent"
            raise VirtError(self._missing, text)
        return found

    @property
    def parents(self) -> dict[str, str | None]:
        """The name of each, and of its parent."""
        return {name: moment.parent.name if moment.parent else None for name, moment in self._all.items()}

    @property
    def inner(self) -> set[str | None]:
        """The names of those that others follow: all but the leaves."""
        return set(self.parents.values())

    def roots(self) -> list[M]:
        """Those without a parent."""
        return [moment for moment in self if self.parent(moment) is None]

    def children(self, moment: M) -> list[M]:
        """Those that follow it immediately."""
        return [other for other in self if self.parent(other) is moment]

    def descendants(self, moment: M) -> list[M]:
        """All that follow it, parents before their children."""
        return self._below([moment])[1:]

    def in_order(self) -> list[M]:
        """All, parents before their children."""
        return self._below(self.roots())

    def _below(self, first: list[M]) -> list[M]:
        """These and all that follow them."""
        following: dict[str | None, list[M]] = {}
        for moment in self:
            following.setdefault(moment.parent.name if moment.parent else None, []).append(moment)
        found, waiting = [], first[::-1]
        while waiting:
            found.append(waiting.pop())
            waiting += reversed(following.get(found[-1].name, []))
        return found

    def add(self, moment: M) -> None:
        """Take in a moment, or put it in place of the one of its name.

        Raises:
            VirtError: INTERNAL_ERROR: it has no name.
        """
        if not moment.name:
            raise VirtError(Code.INTERNAL_ERROR, f"a {self._word} without a name")
        self._all[moment.name] = moment

    def add_new(self, moment: M) -> None:
        """Take in a new one, which follows the current one and becomes it.

        Raises:
            VirtError: OPERATION_FAILED: there is one of its name.
        """
        if moment.name in self._all:
            text = f"domain moment {moment.name} already exists"
            raise VirtError(Code.OPERATION_FAILED, text, source=From.DOMAIN)
        moment.parent = MomentParent(name=self.current.name) if self.current is not None else None
        self.add(moment)
        self.current = moment

    def remove(self, moment: M) -> None:
        """Forget one; its children follow its parent."""
        for child in self.children(moment):
            child.parent = moment.parent
        if self.current is moment:
            self.current = self.parent(moment)
        self._all.pop(moment.name or "", None)

    def delete(self, moment: M, *, children: bool, itself: bool) -> None:
        """Forget a moment, all that follow it, or both."""
        gone = self.descendants(moment) if children else []
        if self.current in gone:
            self.current = moment
        for child in reversed(gone):
            self.remove(child)
        if itself:
            self.remove(moment)

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()
        self.current = None
