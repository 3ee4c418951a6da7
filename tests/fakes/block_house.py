# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest with a block job that is ready, under the feature that follows such jobs, and the QEMU it talks to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from conf.domain import parse_domain
from drivers.base import Environment
from drivers.common.guestlist import GuestList
from drivers.common.images.jobkinds import JobKind
from drivers.qemu.block import jobs
from drivers.qemu.block.feature import BlockJobs
from drivers.qemu.block.state import BlockJob, JobState
from drivers.qemu.capabilities import CapabilitiesCache
from drivers.qemu.context import QemuContext
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import events
from drivers.qemu.monitor import Monitor
from drivers.qemu.paths import QemuPaths
from drivers.qemu.runtime import Runtime
from drivers.qemu.settings import QemuSettings
from tests.fakes.qmp_server import FakeError, FakeQmpServer
from virtd.enums import DomainEventID, DomainState
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
