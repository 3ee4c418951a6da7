# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon is killed at random moments of a pivot, and now and then again while it recovers.

`VIRTD_FAULT_ROUNDS` sets how many times (200 is a full run), `VIRTD_FAULT_SEED` which moments.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest

from tests.fakes.client import WireClient
from tests.faults.daemon import Case, outlived, running_case, settle
from tests.faults.test_pivot_steps import check_truth

ROUNDS = int(os.environ.get("VIRTD_FAULT_ROUNDS", "20"))
SEED = int(os.environ.get("VIRTD_FAULT_SEED", "1"))

pytestmark = pytest.mark.timeout(60 + 12 * ROUNDS)

#: Seconds from the call within which the kill falls: a pivot takes some 20 ms.
SPREAD = 0.03
#: The part of the kills that are followed by one in the next daemon's recovery.
AGAIN = 0.25


async def one_round(case: Case, client: WireClient, dice: random.Random) -> tuple[str, WireClient]:
    """Copy, pivot, kill, look; returns what was seen, in words, and a connection."""
    old = (await case.look(client)).disk
    new = await case.copy(client)
    call = asyncio.ensure_future(case.pivot(client))
    await asyncio.sleep(dice.uniform(0, SPREAD))
    case.daemon.kill()
    answered = await outlived(call)
    client.close()
    client = await restart(case, dice)
    seen = await case.look(client)
    check_truth(case, seen, old, new)
    assert not answered or seen.disk == new, "the call was answered, and the guest is not on the copy"
    words = f"{'new' if seen.disk == new else 'old'} disk, {'running' if seen.running else 'paused'}"
    await settle(case, client)
    (old if seen.disk == new else new).unlink()
    return words + (", answered" if answered else ""), client


async def restart(case: Case, dice: random.Random) -> WireClient:
    """A new daemon, and perhaps it is killed on its way up."""
    if dice.random() < AGAIN:
        starting = asyncio.ensure_future(case.daemon.start())
        await asyncio.sleep(dice.uniform(0.3, 1.5))
        case.daemon.kill()
        if not starting.done():
            starting.cancel()
        for result in await asyncio.gather(starting, return_exceptions=True):
            if isinstance(result, WireClient):
                result.close()
    return await case.daemon.start()


async def test_kill_at_random_moments() -> None:
    dice = random.Random(SEED)
    seen: Counter[str] = Counter()
    async with running_case() as (case, client):
        for number in range(ROUNDS):
            try:
                words, client = await one_round(case, client, dice)
            except BaseException as error:
                error.add_note(f"seed {SEED}, round {number}\n{case.daemon.words()}")
                raise
            seen[words] += 1
        client.close()
    print(f"\n{ROUNDS} kills, seed {SEED}: {dict(seen)}")
    assert seen.total() == ROUNDS


async def test_kill_at_random_moments_of_a_copy() -> None:
    """Before, while and after a copy starts or is given up: what the XML shows is what QEMU does, and a new one can start."""
    dice = random.Random(SEED + 1)
    seen: Counter[str] = Counter()
    async with running_case() as (case, client):
        for number in range(ROUNDS // 2):
            try:
                words, client = await one_copy(case, client, dice)
            except BaseException as error:
                error.add_note(f"seed {SEED}, round {number}\n{case.daemon.words()}")
                raise
            seen[words] += 1
        client.close()
    print(f"\n{ROUNDS // 2} kills, seed {SEED}: {dict(seen)}")


async def one_copy(case: Case, client: WireClient, dice: random.Random) -> tuple[str, WireClient]:
    """Start a copy or abort one, kill, look."""
    giving_up = dice.random() < 0.4
    if giving_up:
        path = await case.copy(client)
        call = asyncio.ensure_future(case.abort(client))
    else:
        path = case.next_path()
        call = asyncio.ensure_future(case.start_copy(client, path))
    await asyncio.sleep(dice.uniform(0, SPREAD))
    case.daemon.kill()
    await outlived(call)
    client.close()
    client = await restart(case, dice)
    seen = await case.look(client)
    assert (seen.running, seen.qemu_runs) == (True, True)
    assert seen.disk == seen.real == seen.stored
    assert (seen.mirror is not None) == bool(seen.job[0]) == bool(seen.qemu_jobs)
    words = f"{'aborting' if giving_up else 'starting'}: {'a copy goes on' if seen.mirror else 'no copy'}"
    if seen.mirror is not None:
        await case.ready(client)
        await case.abort(client)
    nodes = await case.ask_qemu(client, "query-named-block-nodes")
    assert len([node for node in nodes if node["node-name"].startswith("libvirt-")]) == 2, nodes
    path.unlink(missing_ok=True)
    return words, client
