# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocking work beside the loop."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from virtd import threads
from virtd.threads import in_thread


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A crew of this test's own, of two."""
    crew = threads._Crew()
    monkeypatch.setattr(threads, "LIMIT", 2)
    monkeypatch.setattr(threads, "_crew", crew)
    yield
    crew.dismiss()


async def test_what_the_function_returns_and_raises() -> None:
    def divide(a: int, *, by: int) -> float:
        return a / by

    assert await in_thread(divide, 3, by=2) == 1.5
    with pytest.raises(ZeroDivisionError):
        await in_thread(divide, 3, by=0)
    assert await in_thread(threading.get_ident) != threading.get_ident()


async def test_one_thread_is_enough_for_one_after_the_other(crew: None) -> None:
    first = await in_thread(threading.get_ident)
    await asyncio.sleep(0.05)  # it waits for work again
    assert {await in_thread(threading.get_ident)} == {first}


async def test_more_work_than_threads_waits_for_its_turn(crew: None) -> None:
    gate = threading.Event()
    held = [in_thread(gate.wait, 20) for _ in range(2)]
    late = [in_thread(str, number) for number in range(5)]
    await asyncio.sleep(0.05)
    assert not any(future.done() for future in late)
    gate.set()
    assert await asyncio.gather(*held) == [True, True]
    assert await asyncio.gather(*late) == ["0", "1", "2", "3", "4"]


async def test_who_is_cancelled_waits_no_more_and_the_work_is_done() -> None:
    gate, done = threading.Event(), threading.Event()

    def work() -> None:
        gate.wait(20)
        done.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_thread(work)
    gate.set()
    assert await in_thread(done.wait, 20)
    await asyncio.sleep(0.05)  # its result comes to nobody, and nobody complains


async def test_a_failure_keeps_nothing_alive() -> None:
    class Thing:
        pass

    async def fail(thing: Thing) -> None:
        def work(thing: Thing) -> None:
            raise ValueError("no")

        try:
            await in_thread(work, thing)
        except ValueError:
            return
        raise AssertionError

    thing = Thing()
    gone = weakref.ref(thing)
    gc.disable()
    try:
        await fail(thing)
        del thing
        await in_thread(int)  # the thread has other work since
        assert gone() is None
    finally:
        gc.enable()


def test_the_end_of_the_process_waits_for_work_under_way_but_not_for_ever() -> None:
    program = """
import asyncio, time
from virtd import threads
threads.PATIENCE = 0.5

async def main():
    threads.in_thread(lambda: (time.sleep(0.2), print("done")))
    threads.in_thread(time.sleep, 60)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")
