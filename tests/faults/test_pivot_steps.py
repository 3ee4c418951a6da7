# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon is killed at every named step of a pivot, under a guest that never stops writing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

import pytest

from drivers.qemu.block.pivot import OPERATION, Step
from tests.fakes.client import WireClient
from tests.faults import counter_guest
from tests.faults.daemon import Case, Seen, outlived, running_case, settle
from virtd.enums import DomainBlockCommitFlags

#: Step → (the guest works on the copy, it was left paused) when the daemon was killed right after it.
STEPS = {
    "begin": (False, False),
    "intent": (False, False),
    Step.PAUSED: (False, True),
    Step.COMPLETING: (True, True),
    Step.CONCLUDED: (True, True),
    Step.OUTCOME: (True, True),
    Step.LIVE: (True, True),
    Step.STORED: (True, True),
    Step.RESUMED: (True, False),
    "closed": (True, False),
}


def test_no_step_is_forgotten() -> None:
    assert set(Step) <= set(STEPS)


def check_truth(case: Case, seen: Seen, old: Path, new: Path) -> None:
    """What holds after every kill: no word is wrong, nothing is lost, nothing is left uncertain."""
    assert seen.disk == seen.real, "the XML names another disk than QEMU's"
    assert seen.disk in (old, new)
    assert seen.running == seen.qemu_runs
    # A mirror is shown where a job goes on, and only there.
    assert (seen.mirror is not None) == bool(seen.job[0]) == bool(seen.qemu_jobs)
    assert seen.mirror in (None, new)
    assert seen.stored == seen.disk
    assert counter_guest.lost(case.log, seen.disk) == []
    if not seen.running:
        assert old.read_bytes() == new.read_bytes(), "both images must be equal while the guest stands still"
        assert any("pivot of disk 'vda'" in message for message in seen.messages)
    assert case.records() == []


async def kill_at(case: Case, client: WireClient, step: str) -> tuple[Path, Path, WireClient]:
    """Copy, pivot, die at `step`, start again; returns the old disk, the new one, and a connection."""
    old = (await case.look(client)).disk
    client.close()
    case.daemon.close_process()
    client = await case.daemon.start(f"{OPERATION}:{step}")
    new = await case.copy(client)
    call = asyncio.ensure_future(case.pivot(client))
    await case.daemon.died()
    await outlived(call)
    client.close()
    return old, new, await case.daemon.start()


@pytest.mark.timeout(600)
async def test_kill_at_every_step() -> None:
    async with running_case() as (case, client):
        for step, (moved, paused) in STEPS.items():
            old, new, client = await kill_at(case, client, step)
            seen = await case.look(client)
            check_truth(case, seen, old, new)
            assert (seen.disk == new, not seen.running) == (moved, paused), step
            await settle(case, client)
        client.close()


@pytest.mark.parametrize("step", [Step.COMPLETING, Step.STORED])
async def test_recovery_may_resume(step: Step) -> None:
    async with running_case(recovery="resume") as (case, client):
        old, new, client = await kill_at(case, client, step)
        seen = await case.look(client)
        assert seen.running
        check_truth(case, seen, old, new)
        assert any("was completed" in message for message in seen.messages)
        await case.progress()
        client.close()


async def test_a_paused_guest_stays_paused() -> None:
    async with running_case() as (case, client):
        await client.call("DOMAIN_SUSPEND", case.ref)
        old = (await case.look(client)).disk
        new = await case.copy(client)
        await case.pivot(client)
        seen = await case.look(client)
        assert not seen.running
        assert (seen.disk, seen.real, seen.stored) == (new, new, new)
        assert old.read_bytes() == new.read_bytes()
        await settle(case, client)
        client.close()


async def test_a_full_disk_refuses_before_the_guest_is_paused() -> None:
    async with running_case() as (case, client):
        client.close()
        case.daemon.close_process()
        client = await case.daemon.start(f"{OPERATION}:begin:full")
        new = await case.copy(client)
        error = await client.refused("DOMAIN_BLOCK_JOB_ABORT", case.ref, "vda", 2)
        assert "cannot write the journal" in error.message
        seen = await case.look(client)
        assert (seen.running, seen.mirror) == (True, new)
        assert case.records() == []
        await settle(case, client)
        client.close()


async def test_qemu_dies_in_the_middle() -> None:
    async with running_case() as (case, client):
        old = (await case.look(client)).disk
        client.close()
        case.daemon.close_process()
        client = await case.daemon.start(f"{OPERATION}:completing:delay=1.5")
        new = await case.copy(client)
        call = asyncio.ensure_future(case.pivot(client))
        await asyncio.sleep(0.5)
        (pid,) = case.qemu_pids()
        os.kill(pid, signal.SIGKILL)
        assert not await outlived(call)
        await asyncio.sleep(0.5)
        assert (await client.call("DOMAIN_GET_STATE", case.ref, 0))[0] == 5
        for _ in range(2):  # a new daemon says it, too
            messages = await client.call("DOMAIN_GET_MESSAGES", case.ref, 0)
            assert any("was not settled" in message and str(new) in message for message in messages), messages
            assert len(case.records()) == 1
            assert counter_guest.lost(case.log, old) == []
            client.close()
            case.daemon.kill()
            client = await case.daemon.start()
        xml = await client.call("DOMAIN_GET_XML_DESC", case.ref, 2)
        await client.call("DOMAIN_DEFINE_XML_FLAGS", xml, 0)
        await asyncio.sleep(0.2)
        assert case.records() == []
        assert await client.call("DOMAIN_GET_MESSAGES", case.ref, 0) == []
        client.close()


async def test_a_restart_in_the_middle_waits_for_the_end() -> None:
    async with running_case() as (case, client):
        client.close()
        case.daemon.close_process()
        client = await case.daemon.start(f"{OPERATION}:{Step.COMPLETING}:delay=1")
        new = await case.copy(client)
        call = asyncio.ensure_future(case.pivot(client))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(case.daemon.close_process)
        await outlived(call)
        client.close()
        assert case.records() == []
        client = await case.daemon.start()
        seen = await case.look(client)
        assert (seen.running, seen.qemu_runs) == (True, True)
        assert (seen.disk, seen.real, seen.stored, seen.mirror) == (new, new, new, None)
        client.close()


@pytest.mark.parametrize("step", [Step.PAUSED, Step.COMPLETING, Step.LIVE])
async def test_active_commits_are_as_safe(step: Step) -> None:
    async with running_case(overlay=True) as (case, client):
        client.close()
        case.daemon.close_process()
        client = await case.daemon.start(f"{OPERATION}:{step}")
        await client.call("DOMAIN_BLOCK_COMMIT", case.ref, "vda", None, None, 0, DomainBlockCommitFlags.ACTIVE)
        await case.ready(client)
        call = asyncio.ensure_future(case.pivot(client))
        await case.daemon.died()
        await outlived(call)
        client.close()
        client = await case.daemon.start()
        seen = await case.look(client)
        moved, _ = STEPS[step]
        base, overlay = case.root / "disk0", case.root / "overlay"
        assert seen.disk == seen.real == seen.stored == (base if moved else overlay)
        assert (seen.running, seen.qemu_runs) == (False, False)
        assert (seen.mirror is not None) == (not moved)
        assert case.records() == []
        # Both must hold the same while the guest stands still.
        compare = ["qemu-img", "compare", "-U", "-f", "qcow2", "-F", "raw", str(overlay), str(base)]
        assert subprocess.run(compare, capture_output=True, check=False).returncode == 0
        assert counter_guest.lost(case.log, base) == []
        await settle(case, client)
        client.close()
