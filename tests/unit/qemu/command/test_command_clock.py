# SPDX-License-Identifier: LGPL-2.1-or-later
"""A clock whose difference the guest may change."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from conf.domain.clock import Clock
from drivers.qemu.command.clock import settle_variable


@pytest.fixture(autouse=True)
def two_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("basis", "seconds"), [("utc", 10), ("localtime", 7210)])
def test_the_difference_at_the_start_is_kept(basis: str, seconds: int) -> None:
    clock = Clock(offset="variable", adjustment="10", basis=basis)
    settle_variable(clock)
    assert (clock.basis, clock.adjustment, clock.adjustment0) == ("utc", str(seconds), seconds)
