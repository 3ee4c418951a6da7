# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damages documents: values, lines and characters are exchanged, doubled and dropped."""

from __future__ import annotations

import random
import re

_VALUE = re.compile(r"'([^'<]*)'")
_TEXT = re.compile(r">([^<>\n]+)<")
_LINE = re.compile(r"^.*\n", re.MULTILINE)
_NASTY = [
    "",
    "-1",
    "0",
    "x",
    "18446744073709551616",
    "9" * 5000,
    "0x",
    "1_0",
    "٣",
    "&#10;",
    "&amp;",
    "yes",
    "auto",
    "^1",
    "0-70000",
    "::",
    "%s",
    "{}",
    "é",
]


def damage(source: str, rng: random.Random) -> str:
    """The document with up to three faults; it must hold attributes and texts, and its lines must end."""
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(5)
        if kind == 0:
            source = _replace(source, _VALUE, rng)
        elif kind == 1:
            source = _replace(source, _TEXT, rng)
        elif kind == 2:
            source = _lines(source, rng)
        elif kind == 3:
            source = _swap(source, rng)
        else:
            at = rng.randrange(len(source))
            source = source[:at] + chr(rng.randrange(1, 0x300)) + source[at + rng.randrange(3) :]
    return source


def _replace(source: str, pattern: re.Pattern[str], rng: random.Random) -> str:
    """One value replaced by a nasty one."""
    matches = list(pattern.finditer(source))
    if not matches:
        return source
    match = rng.choice(matches)
    return source[: match.start(1)] + rng.choice(_NASTY) + source[match.end(1) :]


def _lines(source: str, rng: random.Random) -> str:
    """One line dropped, doubled or moved."""
    lines = _LINE.findall(source)
    if len(lines) < 2:
        return source
    line = lines.pop(rng.randrange(len(lines)))
    for _ in range(rng.randrange(3)):
        lines.insert(rng.randrange(len(lines)), line)
    return "".join(lines)


def _swap(source: str, rng: random.Random) -> str:
    """One value taken from another place."""
    matches = list(_VALUE.finditer(source))
    if not matches:
        return source
    match = rng.choice(matches)
    return source[: match.start(1)] + rng.choice(matches)[1] + source[match.end(1) :]
