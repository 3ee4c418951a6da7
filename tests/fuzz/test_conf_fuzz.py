# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged documents: whatever a client sends, only a ConfError may come of it."""

from __future__ import annotations

import random
import time
from pathlib import Path

from conf.domain import format_domain, parse_domain
from conf.errors import ConfError
from tests.fuzz.damage import damage

SAMPLES = [path.read_text() for path in sorted((Path(__file__).parents[1] / "data" / "conf").glob("domain-*.xml"))]
SECONDS = 15
#: Fixed, so that a failure can be repeated.
SEED = 20230115


def test_only_conf_errors_come_of_damaged_documents() -> None:
    rng = random.Random(SEED)
    end = time.monotonic() + SECONDS
    accepted = refused = 0
    while time.monotonic() < end:
        source = damage(rng.choice(SAMPLES), rng)
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
