# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged documents: whatever a client sends, only a ConfError may come of it."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

from conf.domain import format_domain, parse_domain
from conf.errors import ConfError

SAMPLES = [path.read_text() for path in sorted((Path(__file__).parents[1] / "data" / "conf").glob("domain-*.xml"))]
SECONDS = 15
#: Fixed, so that a failure can be repeated.
SEED = 20230115

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


def _replace(source: str, pattern: re.Pattern[str], rng: random.Random) -> str:
    """One value replaced by a nasty one."""
    matches = list(pattern.finditer(source))
    match = rng.choice(matches)
    return source[: match.start(1)] + rng.choice(_NASTY) + source[match.end(1) :]


def _lines(source: str, rng: random.Random) -> str:
    """One line dropped, doubled or moved."""
    lines = _LINE.findall(source)
    line = lines.pop(rng.randrange(len(lines)))
    for _ in range(rng.randrange(3)):
        lines.insert(rng.randrange(len(lines)), line)
    return "".join(lines)


def _swap(source: str, rng: random.Random) -> str:
    """One value taken from another place."""
    values = [match[1] for match in _VALUE.finditer(source)]
    match = rng.choice(list(_VALUE.finditer(source)))
    return source[: match.start(1)] + rng.choice(values) + source[match.end(1) :]


def _damage(source: str, rng: random.Random) -> str:
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


def test_only_conf_errors_come_of_damaged_documents() -> None:
    rng = random.Random(SEED)
    end = time.monotonic() + SECONDS
    accepted = refused = 0
    while time.monotonic() < end:
        source = _damage(rng.choice(SAMPLES), rng)
        live = rng.random() < 0.3
        try:
            domain = parse_domain(source, inactive=not live)
        except ConfError:
            refused += 1
            continue
        accepted += 1
        # What was accepted can be written, and is accepted again.
        parse_domain(format_domain(domain, inactive=not live, secure=True), inactive=not live)
    assert accepted > 100
    assert refused > 100
