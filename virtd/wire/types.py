# SPDX-License-Identifier: LGPL-2.1-or-later
"""The types a wire table is written in, as values; codecs are generated from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

STRING_MAX = 4 * 1024 * 1024


class Limit(int):
    """The most entries of an array; errors show its name."""

    name: str

    def __new__(cls, name: str, value: int) -> Limit:
        limit = super().__new__(cls, value)
        limit.name = name
        return limit


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number; `format` is its letter (and padding: `char` takes a word) for `struct`."""

    format: str
    size: int = 4

    @property
    def minimum(self) -> int:
        return self.size


@dataclass(frozen=True, slots=True)
class Uuid:
    """16 bytes without a length word."""

    minimum = 16


@dataclass(frozen=True, slots=True)
class String:
    """UTF-8 text without NUL, at most `STRING_MAX` bytes."""

    minimum = 4


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes after their length word."""

    limit: Limit
    minimum = 4


@dataclass(frozen=True, slots=True)
class Chars:
    """Bytes that take a word each, after their count."""

    limit: Limit
    minimum = 4


@dataclass(frozen=True, slots=True)
class FixedChars:
    """`length` bytes that take a word each, without a count; shorter values are padded with NUL."""

    length: int

    @property
    def minimum(self) -> int:
        return 4 * self.length


@dataclass(frozen=True, slots=True)
class Params:
    """An array of typed parameters."""

    limit: Limit
    minimum = 4


@dataclass(frozen=True, slots=True)
class Array:
    """A counted array."""

    of: Type
    limit: Limit
    minimum = 4


@dataclass(frozen=True, slots=True)
class Optional:
    """A value or None."""

    of: Type
    minimum = 4


@dataclass(frozen=True)
class Struct:
    """Named fields in order; `make` is the tuple class of its values (`tuple` itself for arguments and results)."""

    name: str
    fields: tuple[tuple[str, Type], ...]
    make: type[tuple[Any, ...]] = tuple

    @cached_property
    def minimum(self) -> int:
        """The fewest bytes a value takes."""
        return sum(type_.minimum for _, type_ in self.fields)

    @property
    def field_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.fields)


Type = Scalar | Uuid | String | Opaque | Chars | FixedChars | Params | Array | Optional | Struct

SIMPLE: dict[str, Type] = {
    "int": Scalar("i"),
    "uint": Scalar("I"),
    "hyper": Scalar("q", 8),
    "uhyper": Scalar("Q", 8),
    "double": Scalar("d", 8),
    "char": Scalar("3xB"),
    "uchar": Scalar("3xB"),
    "ushort": Scalar("2xH"),
    "string": String(),
    "uuid": Uuid(),
}

#: Arrays that have a form of their own.
ARRAYS: dict[str, Callable[[Limit], Type]] = {"opaque": Opaque, "char": Chars, "typed_param": Params}

_TYPE = re.compile(r"(?P<base>\w+)(?:<(?P<limit>\w+)>|\[(?P<length>\d+)\]|(?P<optional>\?))?")


def parse_type(text: str, limits: Mapping[str, Limit], structs: Mapping[str, Struct]) -> Type:
    """`uint`, `string?`, `domain<DOMAIN_LIST_MAX>`, `char[32]` …

    Raises:
        ValueError: the table is wrong.
    """
    match = _TYPE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a wire type: {text!r}")
    base, limit, length, optional = match["base"], match["limit"], match["length"], match["optional"]
    if limit and base in ARRAYS:
        return ARRAYS[base](limits[limit])
    if length and base == "char":
        return FixedChars(int(length))
    of = SIMPLE[base] if base in SIMPLE else structs[base]
    if limit:
        return Array(of, limits[limit])
    return Optional(of) if optional else of


def parse_fields(
    signature: str, limits: Mapping[str, Limit], structs: Mapping[str, Struct]
) -> tuple[tuple[str, Type], ...]:
    """`(dom: domain, flags: uint)` as pairs of name and type."""
    fields = (field.split(": ") for field in signature[1:-1].split(", ") if field)
    return tuple((name, parse_type(type_, limits, structs)) for name, type_ in fields)
