# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base of everything that stands in XML."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from conf.binding.document import ParseOptions
    from conf.binding.fields import Complaint

_ATOMS = frozenset({str, int, bool, float, type(None)})


class Model(BaseModel):
    """An element.  Fields are declared with the words of `conf.binding`.

    Written in the order of declaration, fields of a base class after those of the class itself (so
    that what all devices have in common comes last).  The parser checks what it reads; the arguments of
    the constructor are our own, and the type checker has seen them.  Values may be changed freely afterwards.
    """

    #: What is said about an element that no field is bound to; None ignores it, as libvirt mostly does.
    unknown_child: ClassVar[Complaint | None] = None

    #: Of several single children of one name the last one counts, as in a few places of libvirt; else the first.
    last_counts: ClassVar[bool] = False

    # Nothing needs pydantic's validators: they are never built, which speeds up the start.
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=(), defer_build=True)

    if not TYPE_CHECKING:  # a type checker would take every attribute to be there

        def __getattr__(self, name: str) -> Any:
            # Devices are asked by getattr() for what only some kinds have; pydantic's own search takes five times as long.
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def __init__(self, /, **values: Any) -> None:
            defaults, lists = _defaults(type(self))
            complete = defaults | values
            if len(complete) > len(defaults):
                raise TypeError(f"{type(self).__name__} has no {', '.join(values.keys() - defaults)}")
            for name in lists:
                if name not in values:
                    complete[name] = []
            self.__dict__ = complete

        # What pydantic notes in each object is the same for all of ours: said here, it takes neither their time nor their memory.
        __pydantic_extra__ = None
        __pydantic_private__ = None
        __pydantic_fields_set__ = property(lambda self: set(type(self).model_fields))

        # Values may be changed freely: nothing of pydantic's own way is needed for it, which takes ten times as long.
        __setattr__ = object.__setattr__

    def check(self, options: ParseOptions) -> None:
        """Called after this element was read, its children before it: complete and refuse.

        Raises:
            ConfError: the values contradict each other.
        """

    def namespaces(self) -> Sequence[str]:
        """Prefixes that the element declares when written."""
        return ()

    @property
    def has_end_tag(self) -> bool:
        """Whether it is written `<x>`, `</x>` even when nothing is in it."""
        return False

    def __copy__(self) -> Self:
        return assemble(type(self), self.__dict__.copy())

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Values are strings, numbers, lists and models: pydantic's general way takes five times as long.
        copy = assemble(
            type(self),
            {k: v if type(v) in _ATOMS else deepcopy(v, memo) for k, v in self.__dict__.items()},
        )
        if memo is not None:
            memo[id(self)] = copy
        return copy


M = TypeVar("M", bound=Model)


def assemble(cls: type[M], values: dict[str, Any]) -> M:
    """A model from a complete set of values that were checked already."""
    model = cls.__new__(cls)
    model.__dict__ = values
    return model


@cache
def _defaults(cls: type[Model]) -> tuple[dict[str, Any], list[str]]:
    """What a constructor puts where nothing is given, and the names of the lists, which are made anew.  Every field has a default."""
    fields = cls.model_fields
    lists = [name for name, field in fields.items() if field.default_factory is list]
    return {name: field.default for name, field in fields.items()}, lists
