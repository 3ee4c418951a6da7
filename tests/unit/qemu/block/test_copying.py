# SPDX-License-Identifier: LGPL-2.1-or-later
"""The start of a copy, which leaves nothing behind when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drivers.common.images import destination
from drivers.qemu.block import copying
from drivers.qemu.block.copying import CopyOptions
from drivers.qemu.block.state import JobState
from drivers.qemu.monitor import Monitor, MonitorTimeout
from tests.fakes.block_house import House, Qemu
from tests.fakes.qmp_server import SILENCE, FakeError
from virtd.errors import Code, VirtError

SIZE = 1 << 20


@pytest.fixture
def copier(house: House, qemu: Qemu, tmp_path: Path) -> Copier:
    return Copier(house, qemu, tmp_path / "copy")


class Copier:
    """A guest whose disk is not being copied yet."""

    def __init__(self, house: House, qemu: Qemu, path: Path) -> None:
        self.house = house
        self.qemu = qemu
        self.path = path
        assert house.guest.runtime is not None
        self.block = house.guest.runtime.block
        self.block.jobs.clear()
        self.disk = house.guest.require_active().devices.disks[0]
        self.disk.mirror = None
        qemu.nodes = ["libvirt-1-storage", "libvirt-1-format"]
        qemu.job = None
        qemu.server.replies |= {
            "query-named-block-nodes": [{"node-name": "libvirt-1-format", "image": {"virtual-size": SIZE}}],
            "blockdev-add": lambda node: self.add(node),
            "blockdev-mirror": {},
            "blockdev-create": lambda arguments: self.create(arguments["job-id"]),
        }
        #: How creation ends.
        self.error: str | None = None

    def add(self, node: dict[str, Any]) -> dict[str, Any]:
        self.qemu.nodes.append(node["node-name"])
        return {}

    def create(self, job: str) -> dict[str, Any]:
        self.qemu.job = {"id": job, "type": "create", "status": "concluded"} | (
            {"error": self.error} if self.error else {}
        )
        self.qemu.server.event("JOB_STATUS_CHANGE", id=job, status="concluded")
        return {}

    async def start(self, format_: str = "raw", **options: Any) -> None:
        mirror = destination.parse(f"<disk><source file='{self.path}'/><driver type='{format_}'/></disk>")
        async with self.house.guest.job("modify"):
            await copying.start(self.house.guest, self.disk, mirror, CopyOptions(transient=True, **options))

    def arguments(self, command: str) -> dict[str, Any]:
        return next(arguments for name, arguments in self.qemu.server.commands if name == command)

    def assert_nothing_is_left(self) -> None:
        assert self.disk.mirror is None
        assert self.block.jobs == {}
        assert self.qemu.nodes == ["libvirt-1-storage", "libvirt-1-format"]
        assert not self.path.exists()


async def test_a_copy_starts(copier: Copier) -> None:
    await copier.start(speed=1000, granularity=65536, buffer_size=1 << 20, synchronous=True)
    assert copier.path.stat().st_size == SIZE
    assert copier.path.stat().st_mode & 0o777 == 0o600
    assert copier.arguments("blockdev-mirror") == {
        "job-id": "copy-vda-libvirt-1-format",
        "device": "libvirt-1-format",
        "target": "libvirt-3-format",
        "speed": 1000,
        "granularity": 65536,
        "buf-size": 1 << 20,
        "sync": "full",
        "copy-mode": "write-blocking",
        "auto-finalize": True,
        "auto-dismiss": False,
    }
    assert copier.block.jobs["vda"].state is JobState.RUNNING
    assert "<mirror type='file'" in copier.house.guest.xml()


async def test_another_format_is_made_by_qemu(copier: Copier) -> None:
    await copier.start("qcow2")
    assert copier.path.stat().st_size == 0
    options = {"driver": "qcow2", "file": "libvirt-3-storage", "size": SIZE}
    assert copier.arguments("blockdev-create") == {"job-id": "create-libvirt-3-format", "options": options}
    assert copier.qemu.job is None


@pytest.mark.parametrize("command", ["blockdev-add", "blockdev-create", "blockdev-mirror"])
async def test_a_refusal_leaves_nothing(copier: Copier, command: str) -> None:
    copier.qemu.server.replies[command] = FakeError("no room")
    with pytest.raises(VirtError, match="no room"):
        await copier.start("qcow2")
    copier.assert_nothing_is_left()


async def test_a_format_that_cannot_be_made(copier: Copier) -> None:
    copier.error = "No space left"
    with pytest.raises(VirtError, match="failed to format image: 'No space left'") as caught:
        await copier.start("qcow2")
    assert caught.value.code is Code.OPERATION_FAILED
    copier.assert_nothing_is_left()
    assert copier.qemu.job is None


async def test_a_file_that_was_there_stays(copier: Copier) -> None:
    copier.path.touch()
    copier.qemu.server.replies["blockdev-mirror"] = FakeError("no")
    with pytest.raises(VirtError, match="no"):
        await copier.start()
    assert copier.path.exists()


async def test_no_answer_is_no_refusal(copier: Copier, monkeypatch: pytest.MonkeyPatch) -> None:
    """QEMU may start the job later: it is followed then."""
    assert Monitor.execute.__kwdefaults__ is not None
    monkeypatch.setitem(Monitor.execute.__kwdefaults__, "timeout", 0.2)
    copier.qemu.server.replies["blockdev-mirror"] = SILENCE
    with pytest.raises(MonitorTimeout):
        await copier.start()
    assert copier.block.jobs["vda"].state is JobState.NEW
    assert len(copier.qemu.nodes) == 4
    copier.qemu.server.event("JOB_STATUS_CHANGE", id="copy-vda-libvirt-1-format", status="ready")
    await copier.house.guest.monitor.execute("query-status")
    assert "ready='yes'" in copier.house.guest.xml()


async def test_busy_disks_and_stored_guests_are_refused(copier: Copier) -> None:
    mirror = destination.parse(f"<disk><source file='{copier.path}'/></disk>")
    with pytest.raises(VirtError, match="domain is not transient"):
        await copying.start(copier.house.guest, copier.disk, mirror, CopyOptions())
    await copier.start()
    with pytest.raises(VirtError, match="already in active block job") as caught:
        await copier.start()
    assert caught.value.code is Code.BLOCK_COPY_ACTIVE
