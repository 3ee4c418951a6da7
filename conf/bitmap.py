# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sets of small numbers as the XML spells them: `0-3,^2,7`."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
    numbers: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise InvalidArgError(f"Failed to parse bitmap '{text}'")
        first = int(match[2])
        last = int(match[3] or first)
        if last < first or last > HIGHEST or (match[1] and match[3]):
            raise InvalidArgError(f"Failed to parse bitmap '{text}'")
        if match[1]:
            numbers.discard(first)
        else:
            numbers.update(range(first, last + 1))
    return numbers


def format_bitmap(numbers: Iterable[int]) -> str:
    """The shortest spelling: ascending, runs as `first-last`."""
    parts: list[str] = []
    ordered = sorted(numbers)
    start = 0
    for i, number in enumerate(ordered):
        if i + 1 == len(ordered) or ordered[i + 1] != number + 1:
            first = ordered[start]
            parts.append(str(first) if first == number else f"{first}-{number}")
            start = i + 1
    return ",".join(parts)


def _canonical(text: str) -> str:
    canonical = format_bitmap(parse_bitmap(text))
    if not canonical:
        raise ConfigUnsupportedError(f"Invalid value of 'cpuset': {text}")
    return canonical


#: A non-empty set, kept in its canonical spelling.
Bitmap = Annotated[str, Scalar(_canonical)]
