# SPDX-License-Identifier: LGPL-2.1-or-later
"""The safe pivot and its recovery against a QEMU that refuses, fails, hangs and dies at will.

Kills of the daemon are for tests/faults, with a real QEMU.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.qemu.block import feature, pivot, recovery
from drivers.qemu.block.pivot import Step
from drivers.qemu.block.state import JobState
from drivers.qemu.lifecycle import ending
from tests.fakes.block_house import House, Qemu
from tests.fakes.qmp_server import SILENCE, FakeError
from virtd.enums import DomainState
from virtd.errors import Code, VirtError


async def test_a_pivot(house: House, qemu: Qemu) -> None:
    await house.pivot()
    assert qemu.asked[:3] == ["stop", "job-complete", "cont"]
    assert (house.path, house.stored_path, qemu.running, house.records()) == ("/new", "/new", True, [])
    assert qemu.nodes == ["libvirt-2-storage", "libvirt-2-format"]
    assert house.job_events == [("/new", 2, 0), ("vda", 2, 0)]
    assert house.lifecycle == []  # the pause is nobody's business
    assert house.guest.state == DomainState.RUNNING


async def test_the_guest_is_not_resumed_by_us_when_it_was_paused(house: House, qemu: Qemu) -> None:
    house.guest.set_state(DomainState.PAUSED, 1)
    qemu.running = False
    await house.pivot()
    assert "cont" not in qemu.asked
    assert "stop" not in qemu.asked
    assert house.path == "/new"


async def test_qemu_refuses_to_stop(house: House, qemu: Qemu) -> None:
    qemu.server.replies["stop"] = FakeError("no")
    with pytest.raises(VirtError, match="no"):
        await house.pivot()
    assert "job-complete" not in qemu.asked
    assert (house.path, house.records(), house.job.state) == ("/old", [], JobState.READY)


async def test_qemu_refuses_to_complete(house: House, qemu: Qemu) -> None:
    qemu.server.replies["job-complete"] = FakeError("not now")
    with pytest.raises(VirtError, match="not now"):
        await house.pivot()
    assert (house.path, qemu.running, house.records()) == ("/old", True, [])
    assert house.job.state is JobState.READY
    assert "ready='yes'" in house.guest.xml()
    assert house.guest.runtime is not None
    assert house.guest.runtime.block.jobs == {"vda": house.job}
    qemu.server.replies["job-complete"] = lambda _: qemu.complete()
    await house.pivot()  # as if nothing had been
    assert house.path == "/new"


async def test_a_job_that_fails_leaves_the_guest_where_it_was(house: House, qemu: Qemu) -> None:
    qemu.node_after, qemu.error_after = "libvirt-1-format", "I/O error"
    with pytest.raises(VirtError, match="pivot of disk 'vda' failed") as caught:
        await house.pivot()
    assert caught.value.code is Code.OPERATION_FAILED
    assert (house.path, house.stored_path, qemu.running, house.records()) == ("/old", "/old", True, [])
    assert "<mirror" not in house.guest.xml()
    assert house.job_events == [("/old", 2, 1), ("vda", 2, 1)]


async def test_a_drive_on_an_unknown_node_stays_paused_until_that_is_cleared_up(
    house: House, qemu: Qemu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.qemu.block.feature.RETRY_SECONDS", 0.05)
    qemu.node_after = "something else"
    with pytest.raises(VirtError, match="is not known yet, the guest stays paused"):
        await house.pivot()
    assert not qemu.running
    assert house.guest.state == DomainState.PAUSED
    assert house.lifecycle == [(3, 0)]
    assert len(house.records()) == 1
    await asyncio.sleep(0.2)
    assert not qemu.running
    assert house.path == "/old"
    qemu.node = "libvirt-2-format"
    async with asyncio.timeout(5):
        while house.records():
            await asyncio.sleep(0.02)
    assert (house.path, house.stored_path) == ("/new", "/new")
    assert not qemu.running
    assert house.guest.messages == [
        "the interrupted pivot of disk 'vda' was completed: the guest's disk is /new; the guest was left paused"
    ]


async def test_a_switch_that_takes_too_long(house: House, qemu: Qemu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pivot, "SWITCH_SECONDS", 0.1)
    monkeypatch.setattr(recovery, "POLL_SECONDS", 0.01)
    qemu.server.replies["job-complete"] = {}
    with pytest.raises(VirtError, match="is not known yet"):
        await house.pivot()
    assert not qemu.running
    qemu.complete()
    async with asyncio.timeout(5):
        while house.records():
            await asyncio.sleep(0.02)
    assert house.path == "/new"
    assert not qemu.running


async def test_the_daemon_ends_while_qemu_does_not_answer(
    house: House, qemu: Qemu, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feature, "FAREWELL_SECONDS", 0.05)
    qemu.server.replies["job-complete"] = SILENCE
    pivoting = house.guest.tasks.spawn(house.pivot(), "pivot")
    async with asyncio.timeout(5):
        while "job-complete" not in qemu.asked:
            await asyncio.sleep(0.01)
        await ending.let_go(house.guest)
    assert "the next daemon settles it" in caplog.text
    assert pivoting.done()
    assert len(house.records()) == 1


async def test_qemu_dies_while_switching(house: House, qemu: Qemu) -> None:
    def die(_: object) -> object:
        qemu.server.hang_up()
        return SILENCE

    qemu.server.replies["job-complete"] = die
    with pytest.raises(VirtError, match="is not known yet"):
        await house.pivot()
    assert len(house.records()) == 1
    await house.feature.guest_ended(house.guest)
    assert len(house.records()) == 1
    (message,) = house.guest.messages
    assert "from /old to /new was not settled before QEMU ended" in message
    assert house.stored_path == "/old"
    house.guest.set_live(None)
    house.feature.guest_redefined(house.guest)
    async with asyncio.timeout(5):
        while house.records():
            await asyncio.sleep(0.01)
    assert house.guest.messages == []


async def test_a_journal_that_cannot_be_written(house: House, qemu: Qemu) -> None:
    house.feature.journal.folder.parent.mkdir(parents=True)
    house.feature.journal.folder.write_text("in the way")
    with pytest.raises(VirtError, match="was not begun") as caught:
        await house.pivot()
    assert caught.value.code is Code.SYSTEM_ERROR
    assert qemu.asked == []


async def test_a_status_file_that_cannot_be_written(house: House, qemu: Qemu, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome is certain, but the next daemon would not know: the guest waits until it can be written."""
    monkeypatch.setattr("drivers.qemu.block.feature.RETRY_SECONDS", 0.05)
    save = house.guest.save_status
    full = True

    async def fail() -> None:
        if full:
            raise OSError(28, "No space left on device")
        await save()

    monkeypatch.setattr(house.guest, "save_status", fail)
    with pytest.raises(VirtError, match=r"stays paused: .*No space"):
        await house.pivot()
    assert (qemu.running, len(house.records())) == (False, 1)
    full = False
    async with asyncio.timeout(5):
        while house.records():
            await asyncio.sleep(0.02)
    assert (house.path, house.stored_path) == ("/new", "/new")


@pytest.mark.parametrize(
    ("steps", "moved"),
    [([], False), ([Step.PAUSED], False), ([Step.PAUSED, Step.COMPLETING], True)],
)
async def test_what_the_next_daemon_makes_of_a_record(
    tmp_path: Path, qemu: Qemu, steps: list[Step], moved: bool
) -> None:
    before = House(tmp_path)
    await before.connect(qemu.server.path)
    record = (await pivot.begin(before.guest, before.job, before.feature.journal)).record
    for step in steps:
        await record.reach(step)
    qemu.running = not steps
    await before.close()
    after = House(tmp_path, "resume")
    after.guest.set_state(DomainState.RUNNING if qemu.running else DomainState.PAUSED, 0)
    await after.feature.load()
    await after.connect(qemu.server.path)
    async with after.guest.job("modify"):
        await after.feature.guest_found(after.guest)
    assert (after.path == "/new", after.stored_path == "/new") == (moved, moved)
    assert qemu.running
    assert after.records() == []
    assert len(after.guest.messages) == 1
    assert after.guest.state == DomainState.RUNNING
    await after.close()


@pytest.mark.parametrize("damage", [{"guest": None}, {"uuid": "zz"}, {"source": {}}, {"unused_nodes": 1}, {}])
async def test_a_record_that_cannot_be_used_is_set_aside(tmp_path: Path, damage: dict[str, object]) -> None:
    house = House(tmp_path)
    intent = pivot.intent(house.guest, house.job, house.guest.require_active().devices.disks[0])
    record = await house.feature.journal.begin(pivot.OPERATION, "g", intent | damage)
    if not damage:
        await record.reach(Step.OUTCOME, {"outcome": "who knows"})
    await house.feature.load()
    assert house.feature.records == {}
    (aside,) = house.records()
    assert ".unreadable-" in aside


async def test_what_a_killed_daemon_left_open_is_closed(house: House, qemu: Qemu) -> None:
    """It died in the start of a copy: the status file shows a mirror, QEMU has nodes of it and of an older one."""
    assert house.guest.runtime is not None
    house.guest.runtime.block.jobs.clear()
    qemu.job = {"id": "create-libvirt-2-format", "type": "create", "status": "concluded"}
    qemu.nodes += ["libvirt-7-storage", "libvirt-7-format", "somebody-else"]
    async with house.guest.job("modify"):
        await house.feature.guest_found(house.guest)
    assert "<mirror" not in house.guest.xml()
    assert qemu.nodes == ["libvirt-1-storage", "libvirt-1-format", "somebody-else"]
    assert "job-dismiss" in qemu.asked
    assert house.guest.runtime.block.next_index() == 8


async def test_what_cannot_be_cleaned_up_does_not_stop_the_guest(house: House, qemu: Qemu) -> None:
    qemu.server.replies |= {"job-dismiss": FakeError("no"), "blockdev-del": FakeError("no")}
    await house.pivot()
    assert (house.path, house.stored_path, qemu.running, house.records()) == ("/new", "/new", True, [])
    assert house.guest.state == DomainState.RUNNING
    assert house.job_events == [("/new", 2, 0), ("vda", 2, 0)]


async def test_a_guest_that_does_not_go_on_is_shown_as_paused(house: House, qemu: Qemu) -> None:
    qemu.server.replies["cont"] = FakeError("I/O error")
    await house.pivot()
    assert (house.path, house.records()) == ("/new", [])
    assert house.guest.state == DomainState.PAUSED
    assert house.lifecycle == [(3, 0)]


async def test_a_journal_that_cannot_be_read_keeps_no_driver_from_starting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(house.feature.journal, "load", fail)
    await house.feature.load()
    assert house.feature.records == {}
