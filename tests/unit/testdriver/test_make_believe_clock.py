# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clock of a make-believe host."""

from __future__ import annotations

import asyncio

import pytest

from drivers.test.clock import Clock
from drivers.test.work import Progress


async def test_a_clock_that_stands_is_moved_by_hand() -> None:
    clock, happened = Clock(speed=0), []
    clock.later(10, lambda: happened.append("second"))
    clock.later(5, lambda: happened.append("first"))
    taken_back = clock.later(6, lambda: happened.append("never"))
    taken_back()
    clock.advance(4)
    assert happened == []
    clock.advance(100)
    assert happened == ["first", "second"]


async def test_what_happens_may_have_something_happen_at_once() -> None:
    clock, happened = Clock(speed=0), []
    clock.later(1, lambda: happened.append(clock.later(0, lambda: happened.append("then"))))
    clock.advance(2)
    assert happened[-1] == "then"


async def test_a_fast_clock_does_not_keep_us_waiting() -> None:
    clock = Clock(speed=1e6)
    async with asyncio.timeout(5):
        await clock.sleep(3600)


async def test_a_sleeper_who_is_woken_up_early_leaves_nothing_behind() -> None:
    clock = Clock(speed=0)
    sleeper = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    sleeper.cancel()
    await asyncio.gather(sleeper, return_exceptions=True)
    clock.advance(20)  # would raise in a callback of the cancelled future


async def test_progress_follows_the_clock_and_its_speed() -> None:
    clock, done = Clock(speed=0), []
    progress = Progress(clock, 1000, 10, lambda: done.append(True))
    clock.advance(4)
    assert progress.current == 400
    progress.reschedule(60)
    clock.advance(30)
    assert progress.current == 700
    assert not done
    clock.advance(31)
    assert done
    assert progress.current == 1000


async def test_what_goes_wrong_keeps_nothing_else_from_happening(caplog: pytest.LogCaptureFixture) -> None:
    clock, happened = Clock(speed=0), []
    clock.later(1, lambda: happened.append(1 // 0))
    clock.later(2, lambda: happened.append(2))
    clock.advance(3)
    assert happened == [2]
    assert "went wrong" in caplog.text
