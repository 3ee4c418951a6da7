# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets of small numbers as the XML spells them: `0-3,^2,7`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated

from conf.binding.scalars import Scalar
from conf.errors import ConfigUnsupportedError, InvalidArgError

#: Larger numbers are a mistake; libvirt's own bounds lie between 1024 (CPUs) and 16384 (vCPUs).
HIGHEST = 65535
_PART = re.compile(r"\s*(\^?)([0-9]{1,9})(?:-([0-9]{1,9}))?\s*", re.ASCII)


def parse_bitmap(text: str) -> set[int]:
    """The numbers in a text; `^n` takes one out again.

    Raises:
        InvalidArgError: not of that form, or a number above `HIGHEST`.
    """
    return {number for first, last in _runs(_parse_mask(text)) for number in range(first, last + 1)}


def format_bitmap(numbers: Iterable[int]) -> str:
    """The shortest spelling: ascending, runs as `first-last`."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return _format_mask(mask)


def _parse_mask(text: str) -> int:
    """The numbers as bits: `0-65535` costs no more than `0`, whoever wrote it."""
    mask = 0
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise InvalidArgError(f"Failed to parse bitmap '{text}'")
        first = int(match[2])
        last = int(match[3] or first)
        if last < first or last > HIGHEST or (match[1] and match[3]):
            raise InvalidArgError(f"Failed to parse bitmap '{text}'")
        if match[1]:
            mask &= ~(1 << first)
        else:
            mask |= ((1 << (last - first + 1)) - 1) << first
    return mask


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    """First and last of each run of bits, ascending."""
    offset = 0
    while mask:
        gap = (mask & -mask).bit_length() - 1
        mask >>= gap
        length = (~mask & (mask + 1)).bit_length() - 1
        mask >>= length
        offset += gap + length
        yield offset - length, offset - 1


def _format_mask(mask: int) -> str:
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(mask))


def _canonical(text: str) -> str:
    canonical = _format_mask(_parse_mask(text))
    if not canonical:
        raise ConfigUnsupportedError(f"Invalid value of 'cpuset': {text}")
    return canonical


#: A non-empty set, kept in its canonical spelling.
Bitmap = Annotated[str, Scalar(_canonical)]
