# SPDX-License-Identifier: LGPL-2.1-or-later
"""The QEMU driver without QEMU: guests that "run" against a QMP server of ours, calls by the API's names, events."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self, cast

from drivers.base import Environment
from drivers.qemu.aliases import assign_aliases
from drivers.qemu.capabilities import CapabilitiesCache
from drivers.qemu.capabilities.model import Capabilities, CpuFacts, MachineType
from drivers.qemu.driver import QemuDriver
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import connection
from drivers.qemu.runtime import Runtime
from tests.fakes.qmp_server import FakeQmpServer
from virtd.calls import Call, Connection, Identity, current_call
from virtd.enums import DomainRunningReason, DomainState
from virtd.events import Event, EventBus, Kind
from virtd.host.paths import Paths
from virtd.refs import DomainRef
from virtd.server.subscriptions import PROCEDURES, Subscriptions
from virtd.tasks import TaskOwner

EMULATOR = "/usr/bin/qemu-system-x86_64"


class _Everything(Capabilities):
    """An emulator that has all devices and all abilities."""

    def has(self, flag: str) -> bool:
        return True

    def has_device(self, name: str) -> bool:
        return True


class FakeCapabilities:
    """One emulator that can do what ordinary guests need, known without a probe."""

    host_arch = "x86_64"

    def __init__(self) -> None:
        self.found = _Everything(
            path=EMULATOR,
            arch="x86_64",
            host_arch="x86_64",
            version=7002000,
            kvm=True,
            default_machine="pc-q35-7.2",
            machines=(MachineType(name="pc-q35-7.2", alias="q35", max_cpus=288, default_cpu="qemu64"),),
            cpus={"kvm": CpuFacts(), "qemu": CpuFacts()},
        )

    async def get(self, path: str) -> Capabilities:
        return self.found

    def emulator_for(self, arch: str) -> str | None:
        return EMULATOR


def guest_xml(name: str = "g", devices: str = "", *, extra: str = "", memory: str = "<memory>65536</memory>") -> str:
    """A definition as a client writes it."""
    return (
        f"<domain type='qemu'><name>{name}</name>{memory}{extra}"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os>"
        f"<devices><emulator>{EMULATOR}</emulator>{devices}</devices></domain>"
    )


class World:
    """A driver under `root`.  `api` has every method of its parts; `told` the domain events."""

    def __init__(self, root: Path) -> None:
        self.bus = EventBus()
        self.seen: list[Event] = []
        self.domain_events = 0
        self.packed: list[bytes] = []
        self.bus.subscribe(self._note)
        self.tasks = TaskOwner("test")
        environment = Environment(Paths.system(root), self.bus, self.tasks, privileged=False)
        self.driver = QemuDriver(environment)
        self.context = self.driver.context
        self.context.capabilities = cast("CapabilitiesCache", FakeCapabilities())
        self.connection = Connection("qemu:///system", readonly=False, identity=Identity())
        self.servers: list[FakeQmpServer] = []

        self._client = Subscriptions([self.bus], self.packed.append)
        for kind, event_id in PROCEDURES:
            if kind == Kind.DOMAIN:
                self._client.register(Kind.DOMAIN, event_id, None)

    def _note(self, event: Event) -> None:
        self.seen.append(event)
        self.domain_events += event.kind is Kind.DOMAIN

    async def __aenter__(self) -> Self:
        self._token = current_call.set(Call("virDomainTest", self.connection))
        return self

    async def __aexit__(self, *_: object) -> None:
        for guest in self.context.guests:
            await guest.tasks.close()
            if guest.runtime is not None and guest.runtime.monitor is not None:
                await guest.runtime.monitor.close()
        for server in self.servers:
            await server.__aexit__()
        await self.tasks.close()
        current_call.reset(self._token)
        assert len(self.packed) == self.domain_events, "an event has not the fields of its message"

    @property
    def api(self) -> Any:
        """`world.api.domain_get_info(ref)`: the method, whichever part has it."""
        return _Api(self.driver.parts)

    def told(self, event_id: int | None = None) -> list[tuple[object, ...]]:
        """Arguments of the domain events seen (of one kind)."""
        events = [e for e in self.seen if e.kind is Kind.DOMAIN]
        return [
            e.args if event_id is not None else (e.event_id, *e.args) for e in events if event_id in (None, e.event_id)
        ]

    async def define(self, xml: str | None = None) -> DomainRef:
        """Store a guest."""
        ref: DomainRef = await self.api.domain_define_xml_flags(xml or guest_xml(), 0)
        return ref

    def guest(self, ref: DomainRef) -> Guest:
        return self.context.guests.by_ref(ref)

    async def run(self, ref: DomainRef) -> FakeQmpServer:
        """Let a stored guest "run"; what QEMU answers is up to the test."""
        guest, number = self.guest(ref), self.context.guests.next_id()
        assert guest.persistent is not None
        live = guest.persistent.model_copy(deep=True)
        live.id = number
        assign_aliases(live)
        paths = self.context.paths
        runtime = Runtime(paths.domain_dir(number, guest.name), paths.channel_dir(number, guest.name))
        guest.set_live(live)
        guest.runtime = runtime
        self.context.guests.claim_id(guest, number)
        guest.set_state(DomainState.RUNNING, DomainRunningReason.BOOTED)
        runtime.domain_dir.mkdir(parents=True)
        server = FakeQmpServer(runtime.monitor_path)
        self.servers.append(await server.__aenter__())
        await connection.attach(guest, runtime.monitor_path, seconds=5)
        return server


class _Api:
    def __init__(self, parts: tuple[object, ...]) -> None:
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        for part in self._parts:
            if hasattr(part, name):
                return getattr(part, name)
        raise AttributeError(name)
