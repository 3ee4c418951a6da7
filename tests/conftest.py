# SPDX-License-Identifier: LGPL-2.1-or-later
"""What holds for every test: it leaves no task, no child process and no descriptor behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

GRACE = 2.0  # seconds in which what was told to end may end


def open_descriptors() -> set[str]:
    """Number and target of each open descriptor."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{fd} -> {os.readlink(f'/proc/self/fd/{fd}')}")
        except FileNotFoundError:  # the listing's own
            continue
    return found


def child_processes() -> set[str]:
    """Process ids of the children of all our threads."""
    found: set[str] = set()
    for children in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(children.read_text().split())
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended
            continue
    return found


def left_over(look: Callable[[], set[str]], before: set[str]) -> set[str]:
    """What `look` finds now and did not find before, once garbage is gone and the grace is over."""
    deadline = time.monotonic() + GRACE
    while (more := look() - before) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    return more


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    yield
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        await asyncio.wait(tasks, timeout=GRACE)
    names = [task.get_name() for task in tasks if not task.done()]
    assert not names, f"tasks left behind: {names}"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Look before and after the test; its other fixtures are gone by the time of the second look."""
    descriptors, children = open_descriptors(), child_processes()
    yield
    assert not left_over(child_processes, children), "child processes left behind"
    leaked = left_over(open_descriptors, descriptors)
    assert not leaked, f"descriptors left behind: {sorted(leaked)}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coroutine tests alone have a loop to look at; the look comes after all other fixtures are gone."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            names = item.fixturenames
            names.insert(names.index("nothing_left") + 1, "no_task_left")
