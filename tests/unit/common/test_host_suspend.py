# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sending the host to sleep: a made-up /sys shows what the kernel would be told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.common import hostsuspend
from drivers.common.hostsuspend import HostSuspendApi
from virtd.enums import NodeSuspendTarget as Target
from virtd.errors import Code, VirtError
from virtd.tasks import TaskOwner


@pytest.fixture
async def tasks() -> AsyncIterator[TaskOwner]:
    owner = TaskOwner("test")
    yield owner
    await owner.close()


@pytest.fixture
def host(tasks: TaskOwner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostSuspendApi:
    monkeypatch.setattr(hostsuspend, "ANSWER_SECONDS", 0.0)
    for name in ("state", "disk", "wakealarm"):
        (tmp_path / name).write_text("freeze mem disk")
    return HostSuspendApi(tasks, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (Target.MEM, {"state": "mem", "disk": "freeze mem disk"}),
        (Target.DISK, {"state": "disk", "disk": "platform"}),
        (Target.HYBRID, {"state": "disk", "disk": "suspend"}),
    ],
)
async def test_it_sleeps_after_the_answer(host: HostSuspendApi, tmp_path: Path, target: int, written: dict[str, str]):
    await host.node_suspend_for_duration(target, 60, 0)
    assert (tmp_path / "wakealarm").read_text() == "+60"
    assert (tmp_path / "state").read_text() == "freeze mem disk"
    with pytest.raises(VirtError, match="Suspend operation already in progress"):
        await host.node_suspend_for_duration(target, 60, 0)
    assert host._sleep is not None
    await host._sleep
    assert {name: (tmp_path / name).read_text() for name in written} == written


@pytest.mark.parametrize(
    ("target", "duration", "code", "text"),
    [
        (7, 60, Code.INVALID_ARG, "Invalid suspend target"),
        (Target.MEM, 59, Code.INVALID_ARG, "Suspend duration is too short"),
    ],
)
async def test_what_is_refused(host: HostSuspendApi, target: int, duration: int, code: Code, text: str):
    with pytest.raises(VirtError) as raised:
        await host.node_suspend_for_duration(target, duration, 0)
    assert (raised.value.code, raised.value.detail) == (code, text)


async def test_a_host_that_cannot(host: HostSuspendApi, tmp_path: Path):
    (tmp_path / "state").write_text("freeze")
    with pytest.raises(VirtError, match="Hybrid-Suspend"):
        await host.node_suspend_for_duration(Target.HYBRID, 60, 0)
    with pytest.raises(VirtError, match="unsupported flags"):
        await host.node_suspend_for_duration(Target.MEM, 60, 1)
