# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values that fit in an attribute or a text: their XML spelling and their limits.

A field's annotation picks the scalar: `str`, `int` (unsigned, 32 bits), a `Literal` of strings (an
enumeration), or one of the `Annotated` aliases below (`YesNo`, `Ulong`, `Annotated[int, Hex(4)]` …).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Any

from conf.errors import InvalidArgError, OverflowConfError

UINT_MAX = 2**32 - 1
ULONG_MAX = 2**64 - 1
LLONG_MAX = 2**63 - 1
INT_MAX = 2**31 - 1
#: What XML cannot have in a value as it is.
_SPECIAL = set("<>&'\"")
#: How people are told of these.
_LIMITS = {UINT_MAX: "2³²-1", ULONG_MAX: "2⁶⁴-1", INT_MAX: "2³¹-1"}

_ANY_BASE = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)", re.ASCII)
_HEX = re.compile(r"[ \t\n\v\f\r]*([+-]?)(?:0[xX])?([0-9a-fA-F]+)", re.ASCII)
_UUID = re.compile("[0-9a-f]{32}")
#: No number the format knows is longer; int() of a very long text takes quadratic time.
_LONGEST_NUMBER = 64
#: How many texts a kind of number remembers: those of addresses and indexes come again and again.
_REMEMBERED = 256


class BadValueError(ValueError):
    """A text that is not a value of its type.  `hint` ends libvirt's sentence about it."""

    def __init__(self, hint: str = "") -> None:
        super().__init__(hint)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Scalar:
    """How a type is read from XML and written to it.

    `parse` raises BadValueError; `format` None means as it is; `meaning` tells people what may be written.
    `source` is what `format` does as part of an f-string, with `value`: writers need no call then, and escape nothing.
    """

    parse: Callable[[str], Any]
    format: Callable[[Any], str] | None = None
    meaning: str = "text"
    source: str | None = None


def read_number(text: str, base: int = 10) -> int:
    """The number that C's strtoll finds if it takes the whole text; `base` is 0, 8, 10 or 16.

    Raises:
        BadValueError: it would not take the whole text.
    """
    if len(text) > _LONGEST_NUMBER:
        raise BadValueError
    if base in (0, 10) and text.isalnum() and text.isascii():
        # Most numbers have neither sign nor space, and there is nothing in them that only int() would take.
        if base == 10 or text[0] != "0" or text == "0":
            return _digits(text, 10)
        if text[:2] in ("0x", "0X"):
            return _digits(text, 16)
    match = (_HEX if base == 16 else _ANY_BASE).fullmatch(text)
    if match is None:
        raise BadValueError
    sign, digits = match[1], match[2]
    if base == 0:
        base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    value = _digits(digits, base)
    return -value if sign == "-" else value


def _digits(digits: str, base: int) -> int:
    try:
        return int(digits, base)
    except ValueError:
        raise BadValueError from None


def number(low: int = 0, high: int = UINT_MAX, *, base: int = 10, form: str = "") -> Scalar:
    """An integer between `low` and `high`.

    Args:
        base: 10, 16, or 0 for C's rules (0x hexadecimal, 0 octal).
        form: a `format` specification for writing, e.g. "#06x"; "" is decimal.
    """
    hint = " Expected non-negative integer value" if low >= 0 else " Expected integer value"

    @lru_cache(_REMEMBERED)
    def parse(text: str) -> int:
        try:
            value = read_number(text, base)
        except BadValueError:
            raise BadValueError(hint) from None
        if value == 0 and low == 1:
            raise BadValueError("zero")
        if not low <= value <= high:
            raise BadValueError(hint)
        return value

    meaning = f"{'hexadecimal number' if form.endswith('x') else 'number'}, {low} to {_LIMITS.get(high, high)}"
    return Scalar(parse, lambda value: format(value, form), meaning, f"{{value:{form}}}" if form else "{value}")


def wrapped(bits: int) -> Scalar:
    """An unsigned number as C's strtoul takes it: one below zero is counted back from the top."""

    def parse(text: str) -> int:
        value = read_number(text)
        if abs(value) >= 1 << bits:
            raise BadValueError
        return value % (1 << bits)

    return Scalar(parse, str, f"number, 0 to {_LIMITS[(1 << bits) - 1]}", "{value}")


def natural(*, base: int = 10, form: str = "") -> Scalar:
    """An `int` that must not be negative: libvirt has another sentence for these than for `unsigned int`."""
    signed = number(-INT_MAX - 1, INT_MAX, base=base, form=form)

    def parse(text: str) -> int:
        value: int = signed.parse(text)
        if value < 0:
            raise BadValueError(" Expected non-negative value")
        return value

    return replace(signed, parse=parse, meaning=f"number, 0 to {_LIMITS[INT_MAX]}")


def Hex(width: int, high: int | None = None) -> Scalar:  # noqa: N802  stands where a type stands
    """An unsigned number read by C's rules and written 0x with `width` digits at least."""
    limit = UINT_MAX if high is None else high
    return number(0, limit, base=0, form=f"#0{width + 2}x" if width else "#x")


class _Words(dict[str, Any]):
    """The values of words.  Another word is none."""

    def __missing__(self, word: str) -> Any:
        raise BadValueError


def enumeration(values: tuple[str, ...]) -> Scalar:
    """One of a fixed set of words."""
    known = _Words({value: value for value in values})
    meaning = " | ".join(f"`{value}`" for value in values)
    return Scalar(known.__getitem__, meaning=meaning, source=None if set("".join(values)) & _SPECIAL else "{value}")


def two_words(true: str, false: str) -> Scalar:
    """A boolean with a word for each truth; a field that may be unset is `X | None`."""
    values = _Words({true: True, false: False})
    source = f"{{{true!r} if value else {false!r}}}"
    return Scalar(values.__getitem__, lambda value: true if value else false, f"`{true}` | `{false}`", source)


def parse_uuid(text: str) -> str:
    """A UUID as virUUIDParse takes it: 32 hex digits with dashes and spaces anywhere around them."""
    digits = text.strip(" \t\r\n").replace("-", "").lower()
    if _UUID.fullmatch(digits) is None:
        raise BadValueError
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


#: Plain text; writing escapes it.
TEXT = Scalar(str)

YesNo = Annotated[bool, two_words("yes", "no")]
OnOff = Annotated[bool, two_words("on", "off")]
#: `unsigned int`
Uint = Annotated[int, number()]
#: `unsigned int`, not 0
Positive = Annotated[int, number(1)]
#: `unsigned long long`
Ulong = Annotated[int, number(0, ULONG_MAX)]
#: `unsigned int` and `unsigned long long` where a sign is let pass.
SignedUint = Annotated[int, wrapped(32)]
SignedUlong = Annotated[int, wrapped(64)]
#: `int`
Int = Annotated[int, number(-INT_MAX - 1, INT_MAX)]
#: `int`, 0 or more
Natural = Annotated[int, natural()]
#: Lower case with dashes.
Uuid = Annotated[str, Scalar(parse_uuid, meaning="UUID")]

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_BYTES_IN: dict[str, int] = {"b": 1, "byte": 1, "bytes": 1} | {
    letter + rest: step**power
    for power, letter in enumerate("kmgtpe", 1)
    for rest, step in (("", 1024), ("ib", 1024), ("b", 1000))
}


def unit_size(unit: str) -> int:
    """Bytes in one `unit`, upper or lower case: "KiB" and "k" are 1024, "KB" is 1000.

    Raises:
        InvalidArgError: no such unit.
    """
    size = _BYTES_IN.get(unit.lower()) if unit.isascii() else None
    if size is None:
        raise InvalidArgError(f"unknown suffix '{unit}'")
    return size


@dataclass(frozen=True, slots=True)
class Scale:
    """A size with a `unit` attribute beside it, kept and written in `unit`.

    Attributes:
        unit: what the number counts, and what is written.
        default: what a number without a unit counts; None is as `unit`.
        pretty: written in the largest binary unit that needs no fraction.
        limit: how many bytes there can be.
    """

    unit: str = "KiB"
    default: str | None = None
    pretty: bool = False
    limit: int = ULONG_MAX

    def written(self, value: int) -> tuple[int, str]:
        """Number and unit to write for a value."""
        if not self.pretty:
            return value, self.unit
        size = value * unit_size(self.unit)
        power = 0
        while size and size % 1024 == 0 and power < len(_BINARY) - 1:
            size //= 1024
            power += 1
        return size, _BINARY[power]

    def convert(self, value: int, unit: str | None) -> int:
        """`value` of `unit` in our unit, rounded up.

        Raises:
            InvalidArgError: an unknown unit.
            OverflowConfError: more than can be.
        """
        size = value * unit_size(unit or self.default or self.unit)
        if size > self.limit:
            raise OverflowConfError(f"value too large: {value}{unit or ''}")
        ours = unit_size(self.unit)
        rounded = -(-size // ours)
        if rounded * ours > self.limit:
            raise OverflowConfError("size value too large")
        return rounded


#: A guest's memory.
MEMORY = Scale("KiB", limit=LLONG_MAX)
