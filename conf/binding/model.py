# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base of everything that stands in XML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform

from conf.binding.fields import Complaint, Declared

if TYPE_CHECKING:
    from conf.binding.document import ParseOptions

_ATOMS = frozenset({str, int, bool, float, type(None)})


@dataclass_transform(kw_only_default=True, eq_default=False)
class Declaring(type):
    """The class of models' classes: takes what they declare out of them, since each model has a value in its place.

    `conf.binding.plan` looks at the types when a class is first used: a daemon that starts has some four hundred
    classes, and documents need a tenth.
    """

    #: Field → declaration, those of the bases first.
    model_fields: Mapping[str, Declared]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Declaring:
        own = {key: value for key, value in namespace.items() if isinstance(value, Declared)}
        made = super().__new__(cls, name, bases, {key: value for key, value in namespace.items() if key not in own})
        inherited = [base.model_fields for base in reversed(bases) if isinstance(base, Declaring)]
        made.model_fields = {key: field for fields in (*inherited, own) for key, field in fields.items()}
        return made


class Model(metaclass=Declaring):
    """An element.  Fields are declared with the words of `conf.binding`.

    Written in the order of declaration, fields of a base class after those of the class itself (so
    that what all devices have in common comes last).  The parser checks what it reads; the arguments of
    the constructor are our own, and the type checker has seen them.  Values may be changed freely afterwards.
    """

    #: What is said about an element that no field is bound to; None ignores it, as libvirt mostly does.
    unknown_child: ClassVar[Complaint | None] = None

    #: Of several single children of one name the last one counts, as in a few places of libvirt; else the first.
    last_counts: ClassVar[bool] = False

    if not TYPE_CHECKING:  # a type checker knows the arguments by the fields

        def __init__(self, /, **values: Any) -> None:
            defaults, lists = _defaults(type(self))
            complete = defaults | values
            if len(complete) > len(defaults):
                raise TypeError(f"{type(self).__name__} has no {', '.join(values.keys() - defaults)}")
            for name in lists:
                if name not in values:
                    complete[name] = []
            self.__dict__ = complete

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

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, shallow or `deep`, with the values of `update`."""
        made = deepcopy(self) if deep else copy(self)
        made.__dict__.update(update or {})
        return made

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __copy__(self) -> Self:
        return assemble(type(self), self.__dict__.copy())

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Values are strings, numbers, lists and models.
        made = assemble(
            type(self),
            {k: v if type(v) in _ATOMS else deepcopy(v, memo) for k, v in self.__dict__.items()},
        )
        if memo is not None:
            memo[id(self)] = made
        return made


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
    lists = [name for name, field in fields.items() if field.default is list]
    return {name: field.default for name, field in fields.items()}, lists
