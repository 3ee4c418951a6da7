# SPDX-License-Identifier: LGPL-2.1-or-later
"""The job lock: order, exclusion, deadlines, long jobs."""

import asyncio

import pytest

from virtd.errors import Code, VirtError
from virtd.jobs import JobKind, JobLock


async def test_short_jobs_exclude_each_other_in_order_of_arrival():
    lock, seen = JobLock(), []

    async def work(name: str) -> None:
        async with lock.hold("modify"):
            seen.append(f"{name} in")
            await asyncio.sleep(0)
            seen.append(f"{name} out")

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(work(name))
    assert seen == ["a in", "a out", "b in", "b out", "c in", "c out"]


async def test_a_waiter_is_told_who_holds_the_lock():
    lock = JobLock()
    async with lock.hold("modify"):
        with pytest.raises(VirtError) as caught:
            async with lock.hold("query", wait=0.01):
                pytest.fail("two jobs at once")
    assert caught.value.code == Code.OPERATION_TIMEOUT
    assert caught.value.message == (
        "Timed out during operation: cannot acquire state change lock (held by monitor=virtd)"
    )


async def test_a_waiter_that_is_cancelled_leaves_the_lock_usable():
    lock = JobLock()
    async with lock.hold("modify"):
        waiting = asyncio.ensure_future(lock.hold("modify").__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with lock.hold("modify", wait=0.1):
        assert lock.kind is JobKind.MODIFY


async def test_a_turn_given_to_a_cancelled_waiter_goes_to_the_next():
    lock = JobLock()
    first = lock.hold("modify")
    await first.__aenter__()
    doomed = asyncio.ensure_future(lock.hold("modify").__aenter__())
    await asyncio.sleep(0)
    await first.__aexit__(None, None, None)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    async with lock.hold("modify", wait=0.1):
        pass


async def test_the_queue_has_a_limit():
    lock = JobLock(max_queued=1)
    async with lock.hold("modify"):
        waiting = asyncio.ensure_future(lock.hold("modify").__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(VirtError, match="max_queued limit"):
            await lock.hold("modify").__aenter__()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_a_long_job_lets_some_short_ones_through_and_keeps_others_out():
    lock = JobLock()
    async with lock.hold_async(operation=1):
        for kind in (JobKind.QUERY, JobKind.DESTROY, JobKind.NESTED):
            async with lock.hold(kind, wait=0.1):
                pass
        with pytest.raises(VirtError):
            async with lock.hold("modify", wait=0.01):
                pytest.fail("modified beside a long job")
        with pytest.raises(VirtError):
            async with lock.hold_async(operation=2, wait=0.01):
                pytest.fail("two long jobs at once")
    async with lock.hold("modify", wait=0.1):
        pass
