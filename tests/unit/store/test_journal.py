# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write-ahead records: what a crash leaves of them, and what is made of that."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from virtd.store import faultpoints, journal
from virtd.store.journal import Journal


async def test_a_record_is_found_again_with_its_steps(tmp_path: Path) -> None:
    record = await Journal(tmp_path).begin("copy", "a guest/vda", {"disk": "vda", "name": "ö\n"})
    await record.reach("paused")
    await record.reach("outcome", {"done": True}, durable=True)
    (found,) = await Journal(tmp_path).load()
    assert (found.operation, found.intent) == ("copy", {"disk": "vda", "name": "ö\n"})
    assert [(s.name, s.data) for s in found.steps] == [("paused", {}), ("outcome", {"done": True})]
    assert found.started == record.started
    await found.reach("more")
    await found.close()
    assert await Journal(tmp_path).load() == []


async def test_notes_are_written_with_the_next_step(tmp_path: Path) -> None:
    record = await Journal(tmp_path).begin("copy", "g", {})
    record.note("first")
    (found,) = await Journal(tmp_path).load()
    assert found.steps == []
    record.note("second")
    await record.reach("third")
    (found,) = await Journal(tmp_path).load()
    assert [s.name for s in found.steps] == [s.name for s in record.steps] == ["first", "second", "third"]


async def test_a_step_that_cannot_be_written_was_not_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await Journal(tmp_path).begin("copy", "g", {})
    record.note("first")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="space"):
            await record.reach("outcome", {"n": 1}, durable=True)
    assert record.step("outcome") is None
    await record.reach("outcome", {"n": 2}, durable=True)
    (found,) = await Journal(tmp_path).load()
    assert [(s.name, s.data) for s in found.steps] == [("first", {}), ("outcome", {"n": 2})]


async def test_the_last_step_of_a_name_counts(tmp_path: Path) -> None:
    record = await Journal(tmp_path).begin("copy", "g", {})
    await record.reach("outcome", {"n": 1})
    await record.reach("outcome", {"n": 2})
    step = record.step("outcome")
    assert step is not None
    assert step.data == {"n": 2}
    assert record.step("paused") is None


async def test_oldest_first_and_no_folder_is_no_record(tmp_path: Path) -> None:
    house = Journal(tmp_path / "none")
    assert await house.load() == []
    names = ["z", "m", "a"]
    for name in names:
        await house.begin("copy", name, {"name": name})
    assert [r.intent["name"] for r in await house.load()] == names


@pytest.mark.parametrize("cut", range(1, 60))
async def test_a_crash_in_a_write_leaves_the_steps_before_it(tmp_path: Path, cut: int) -> None:
    record = await Journal(tmp_path).begin("copy", "g", {"a": 1})
    await record.reach("first", {"b": 2})
    before = record._end
    await record.reach("second", {"c": 3})
    with record.path.open("r+b") as file:  # as an unwritten tail reads
        file.truncate(max(before, record._end - cut))
        file.truncate(record._end + 100)
    (found,) = await Journal(tmp_path).load()
    assert [s.name for s in found.steps] == ["first"]
    await found.reach("again")
    (found,) = await Journal(tmp_path).load()
    assert [s.name for s in found.steps] == ["first", "again"]


async def test_an_incomplete_intent_was_never_begun(tmp_path: Path) -> None:
    record = await Journal(tmp_path).begin("copy", "g", {"a": 1})
    os.truncate(record.path, 20)
    assert await Journal(tmp_path).load() == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"00000000 {}\n",
        b"zz\nzz\n",
        b"\xff\xfe\n",
        journal._line({"operation": "x"}),
        journal._line({"operation": "x", "time": "now", "intent": {}}),
        journal._line({"operation": "x", "time": 1, "intent": 3}),
        b"aaaaaaaa " + b"[" * 100_000 + b"\n",
        journal._line({"operation": "x", "time": 1, "intent": {}}) + b"bad\n" + journal._line({"step": "x"}),
        journal._line({"operation": "x", "time": 1, "intent": {}}) + journal._line({"step": "x"}),
    ],
)
async def test_what_cannot_be_read_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.journal").write_bytes(content)
    good = await Journal(tmp_path).begin("copy", "g", {})
    assert [r.path for r in await Journal(tmp_path).load()] == [good.path]
    (aside,) = tmp_path.glob("bad.journal.unreadable-*")
    assert aside.read_bytes() == content


async def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="space"):
        await Journal(tmp_path).begin("copy", "g", {})
    assert not list(tmp_path.iterdir())


async def test_room_for_the_steps_is_taken_with_the_intent(tmp_path: Path) -> None:
    record = await Journal(tmp_path).begin("copy", "g", {"large": "x" * 100_000})
    assert record.path.stat().st_blocks * 512 >= 100_000 + journal.ROOM_FOR_STEPS


async def test_a_file_system_that_reserves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unable(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unable)
    record = await Journal(tmp_path).begin("copy", "g", {"a": 1})
    await record.reach("first")
    (found,) = await Journal(tmp_path).load()
    assert [s.name for s in found.steps] == ["first"]
    assert record.path.stat().st_size > journal.ROOM_FOR_STEPS


CHILD = """
import asyncio, pathlib, sys
from virtd.store.journal import Journal
async def main():
    record = await Journal(pathlib.Path(sys.argv[1])).begin("copy", "g", {})
    await record.reach("first")
    await record.reach("second", durable=True)
    await record.close()
    print("survived")
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("point", "steps"),
    [("begin", None), ("intent", []), ("first", ["first"]), ("second", ["first", "second"]), ("closed", None)],
)
async def test_each_step_is_a_kill_point(tmp_path: Path, point: str, steps: list[str] | None) -> None:
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(tmp_path)],
        env=os.environ | {faultpoints.VARIABLE: f"copy:{point}"},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert [[s.name for s in r.steps] for r in await Journal(tmp_path).load()] == ([] if steps is None else [steps])


def test_fault_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)
    point = faultpoints.armed("copy:first:delay=0.5")
    point("copy:second")
    assert naps == []
    point("copy:first")
    assert naps == [0.5]
    with pytest.raises(OSError, match="space"):
        faultpoints.armed("copy:first:full")("copy:first")
    faultpoints.fault_point("copy:first")
