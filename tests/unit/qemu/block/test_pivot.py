# SPDX-License-Identifier: LGPL-2.1-or-later
"""The safe pivot and its recovery against a QEMU that refuses, fails, hangs and dies at will.

Kills of the daemon are for tests/faults, with a real QEMU.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from conf.domain import parse_domain
from drivers.base import Environment
from drivers.common.guestlist import GuestList
from drivers.qemu.block import jobs, pivot, recovery
from drivers.qemu.block.feature import BlockJobs
from drivers.qemu.block.pivot import Step
from drivers.qemu.block.state import BlockJob, JobKind, JobState
from drivers.qemu.capabilities import CapabilitiesCache
from drivers.qemu.context import QemuContext
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import events
from drivers.qemu.monitor import Monitor
from drivers.qemu.paths import QemuPaths
from drivers.qemu.runtime import Runtime
from drivers.qemu.settings import QemuSettings
from tests.fakes.qmp_server import SILENCE, FakeError, FakeQmpServer
from virtd.enums import DomainEventID, DomainState
from virtd.errors import Code, VirtError
from virtd.events import Event, EventBus, Kind
from virtd.host.paths import Paths
from virtd.tasks import TaskOwner

JOB = "copy-vda-libvirt-1-format"
DISK = (
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/old' {index}/>{mirror}"
    "<target dev='vda' bus='virtio'/>{alias}</disk>"
)
MIRROR = (
    "<backingStore/><mirror type='file' job='copy' ready='yes'><format type='raw'/>"
    "<source file='/new' index='2'/><backingStore/></mirror>"
)
DOMAIN = (
    "<domain type='kvm' {id}><name>g</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
    "<memory>1024</memory><os><type>hvm</type></os><devices>{disk}</devices></domain>"
)


class Qemu:
    """A guest's QEMU with a mirror job that is ready."""

    def __init__(self, server: FakeQmpServer) -> None:
        self.server = server
        self.running = True
        self.node = "libvirt-1-format"
        self.job: dict[str, Any] | None = {"id": JOB, "type": "mirror", "status": "ready"}
        self.node_after = "libvirt-2-format"
        self.error_after: str | None = None
        self.nodes = [f"libvirt-{n}-{kind}" for n in (1, 2) for kind in ("storage", "format")]
        server.replies |= {
            "stop": lambda _: self.switch(running=False),
            "cont": lambda _: self.switch(running=True),
            "query-status": lambda _: {"running": self.running, "status": "running" if self.running else "paused"},
            "job-complete": lambda _: self.complete(),
            "job-dismiss": lambda _: self.dismiss(),
            "query-jobs": lambda _: [self.job] if self.job else [],
            "query-block": lambda _: [{"qdev": "/machine/peripheral/virtio-disk0/virtio-backend", "inserted": {"node-name": self.node}}],
            "query-named-block-nodes": lambda _: [{"node-name": node} for node in self.nodes],
            "blockdev-del": lambda arguments: self.close(arguments["node-name"]),
        }  # fmt: skip

    def switch(self, *, running: bool) -> dict[str, Any]:
        self.running = running
        self.server.event("RESUME" if running else "STOP")
        return {}

    def complete(self) -> dict[str, Any]:
        assert self.job is not None
        assert not self.running, "told to switch over under a running guest"
        self.job["status"] = "concluded"
        if self.error_after:
            self.job["error"] = self.error_after
        self.node = self.node_after
        self.server.event("JOB_STATUS_CHANGE", id=JOB, status="concluded")
        return {}

    def close(self, node: str) -> dict[str, Any]:
        if node not in self.nodes or node == self.node:
            raise FakeError(f"cannot close {node}")
        self.nodes.remove(node)
        return {}

    def dismiss(self) -> dict[str, Any]:
        if self.job is None:
            raise FakeError("Job not found")
        self.job = None
        return {}

    @property
    def asked(self) -> list[str]:
        return [command for command, _ in self.server.commands if not command.startswith("query-")]


class House:
    """The guest under the feature, as the driver has them; nothing else of it."""

    def __init__(self, root: Path, recovery_policy: str = "pause") -> None:
        bus = EventBus()
        self.told: list[tuple[int, tuple[object, ...]]] = []
        bus.subscribe(self._hear)
        environment = Environment(Paths.system(root), bus, TaskOwner("test"), privileged=False)
        self.context = QemuContext(
            env=environment,
            paths=QemuPaths.of(environment),
            settings=QemuSettings(block_pivot_recovery=recovery_policy),
            capabilities=cast("CapabilitiesCache", None),
            guests=GuestList(),
        )
        self.feature = BlockJobs(self.context)
        self.context.features.append(self.feature)
        stored = DISK.format(index="", mirror="", alias="")
        live = DISK.format(index="index='1'", mirror=MIRROR, alias="<alias name='virtio-disk0'/>")
        self.guest = Guest(self.context, parse_domain(DOMAIN.format(id="", disk=stored)))
        self.guest.set_persistent(parse_domain(DOMAIN.format(id="", disk=stored)))
        self.guest.set_live(parse_domain(DOMAIN.format(id="id='1'", disk=live), inactive=False, status=True))
        self.guest.set_state(DomainState.RUNNING, 0)
        self.context.guests.add(self.guest)
        self.guest.runtime = Runtime(root / "domain", root / "channel")
        self.job = BlockJob(JOB, JobKind.COPY, "vda", 1, state=JobState.READY)
        self.guest.runtime.block.jobs["vda"] = self.job
        self.guest.runtime.block.last_index = 2

    def _hear(self, event: Event) -> None:
        if event.kind is Kind.DOMAIN:
            self.told.append((event.event_id, event.args))

    async def connect(self, path: str) -> None:
        assert self.guest.runtime is not None
        monitor = Monitor("g")
        monitor.add_event_listener(events.listener(self.guest))
        await monitor.connect(path)
        self.guest.runtime.monitor = monitor

    async def pivot(self) -> None:
        async with self.guest.job("modify"):
            await self.feature.pivot(self.guest, self.job)

    async def close(self) -> None:
        await self.guest.tasks.close()
        await self.guest.monitor.close()

    @property
    def path(self) -> str | None:
        source = jobs.disk_of(self.guest, self.job).source
        return source.file if source else None

    @property
    def stored_path(self) -> str | None:
        assert self.guest.persistent is not None
        source = self.guest.persistent.devices.disks[0].source
        return source.file if source else None

    @property
    def lifecycle(self) -> list[tuple[object, ...]]:
        return [args for id_, args in self.told if id_ == DomainEventID.LIFECYCLE]

    @property
    def job_events(self) -> list[tuple[object, ...]]:
        return [args for id_, args in self.told if id_ in (DomainEventID.BLOCK_JOB, DomainEventID.BLOCK_JOB_2)]

    def records(self) -> list[str]:
        folder = self.feature.journal.folder
        return [p.name for p in folder.iterdir()] if folder.is_dir() else []


@pytest.fixture
async def qemu(tmp_path: Path) -> AsyncIterator[Qemu]:
    async with FakeQmpServer(tmp_path / "qmp") as server:
        yield Qemu(server)


@pytest.fixture
async def house(tmp_path: Path, qemu: Qemu) -> AsyncIterator[House]:
    found = House(tmp_path)
    await found.connect(qemu.server.path)
    yield found
    await found.close()


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


async def test_a_record_that_cannot_be_used_is_set_aside(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.feature.journal.begin(pivot.OPERATION, "g", {"guest": "g"})
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
