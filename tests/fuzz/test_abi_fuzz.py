# SPDX-License-Identifier: LGPL-2.1-or-later
"""Any two definitions can be compared, and a difference is one from either side."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from conf.domain import Domain, parse_domain
from conf.domain.abi import check_abi
from conf.errors import ConfError, ConfigUnsupportedError
from tests.fuzz.damage import damage

SAMPLES = [path.read_text() for path in sorted((Path(__file__).parents[1] / "data" / "conf").glob("domain-*.xml"))]
SECONDS = 5
SEED = 20230115


def complaint(old: Domain, new: Domain) -> str | None:
    try:
        check_abi(old, new)
    except ConfigUnsupportedError as error:
        return str(error)
    return None


@pytest.mark.parametrize("source", SAMPLES, ids=range(len(SAMPLES)))
def test_a_definition_is_like_itself(source: str) -> None:
    assert complaint(parse_domain(source), parse_domain(source)) is None


def test_a_difference_is_one_from_either_side() -> None:
    rng = random.Random(SEED)
    sound = [parse_domain(source) for source in SAMPLES]
    end = time.monotonic() + SECONDS
    alike = different = 0
    while time.monotonic() < end:
        index = rng.randrange(len(sound))
        try:
            other = parse_domain(damage(SAMPLES[index], rng))
        except ConfError:
            continue
        there, back = complaint(sound[index], other), complaint(other, sound[index])
        assert (there is None) == (back is None), there or back
        if there is None:
            alike += 1
        else:
            different += 1
            assert "None" not in there
    assert alike > 20
    assert different > 20
