# SPDX-License-Identifier: LGPL-2.1-or-later
"""The LXC driver without containers: a runtime that only notes what it is asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from drivers.base import Environment
from drivers.lxc.driver import LxcDriver
from drivers.lxc.guest import Guest
from virtd.calls import Call, Connection, Identity, current_call
from virtd.errors import Code, VirtError
from virtd.events import Event, EventBus, Kind
from virtd.host.paths import Paths
from virtd.refs import DomainRef
from virtd.tasks import TaskOwner

UNLIMITED = 2**53 - 1


def container_xml(name: str = "c", devices: str = "<console type='pty'/>", *, extra: str = "", tail: str = "") -> str:
    """A definition as a client writes it."""
    return (
        f"<domain type='lxc'><name>{name}</name><memory>102400</memory>{extra}"
        f"<os><type arch='x86_64'>exe</type><init>/bin/sh</init></os><devices>{devices}</devices>{tail}</domain>"
    )


class FakeCgroup:
    """Settings in memory."""

    def __init__(self) -> None:
        self.settings = {
            "memory": 102400, "soft_limit": UNLIMITED, "swap_hard_limit": UNLIMITED,
            "shares": 1024, "period": 100000, "quota": -1, "weight": 100,
        }  # fmt: skip
        self.written: list[tuple[object, ...]] = []
        self.missing: set[str] = set()

    def has(self, controller: str) -> bool:
        return controller not in self.missing

    def get(self, name: str) -> int:
        return self.settings[name]

    def set(self, name: str, value: int) -> None:
        self.settings[name] = value
        self.written.append((name, value))

    def cpu_time(self) -> int:
        return 7_000_000

    def cpu_time_split(self) -> tuple[int, int]:
        return 4_000_000, 3_000_000

    def cpu_times(self) -> list[int]:
        return [5_000_000, 2_000_000]

    def memory_usage(self) -> int:
        return 800

    def swap_usage(self) -> int:
        return 20

    def set_device_limit(self, name: str, device: str, value: int) -> None:
        self.written.append((name, device, value))

    def block_stats(self, device: str | None) -> tuple[int, int, int, int]:
        return (1, 512, 2, 1024) if device is None else (3, 1536, 4, 2048)


class FakeRuntime:
    """`done` is what was asked for; `failure` is raised by the next start, `survivors` run on behind a new daemon."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.failure: VirtError | None = None
        self.group = FakeCgroup()
        self.has_initctl = False
        self.undying = False
        self.survivors: set[str] = set()
        self.next_pid = 4000

    async def start(self, guest: Guest, *, paused: bool = False, files: Sequence[int] = ()) -> None:
        assert guest.run is not None
        self.done.append(("start", guest.name, *files))
        if self.failure is not None:
            raise self.failure
        self.next_pid += 1
        guest.run.controller_pid = self.next_pid
        guest.run.init_pid = os.getpid()
        guest.claim_id(self.next_pid)

    async def stop(self, guest: Guest, reason: int) -> None:
        self.done.append(("stop", guest.name, reason))
        if self.undying:
            raise VirtError(Code.OPERATION_FAILED, "some processes refused to die")

    async def reconnect(self, guest: Guest) -> bool:
        self.done.append(("reconnect", guest.name))
        return guest.name in self.survivors

    def let_go(self, guest: Guest) -> None:
        self.done.append(("let go", guest.name))

    async def freeze(self, guest: Guest) -> None:
        self.done.append(("freeze", guest.name))

    async def thaw(self, guest: Guest) -> None:
        self.done.append(("thaw", guest.name))

    def signal_init(self, guest: Guest, number: int) -> None:
        self.done.append(("signal", guest.name, number))

    async def ask_init(self, guest: Guest, runlevel: str) -> bool:
        self.done.append(("ask", guest.name, runlevel))
        return self.has_initctl

    def cgroup(self, guest: Guest) -> FakeCgroup:
        return self.group

    def namespaces(self, guest: Guest) -> list[tuple[str, int]]:
        return [("net", os.open("/proc/self/ns/net", os.O_RDONLY)), ("mnt", os.open("/proc/self/ns/mnt", os.O_RDONLY))]

    def open_console(self, guest: Guest, alias: str) -> int:
        self.done.append(("console", guest.name, alias))
        return os.open("/dev/null", os.O_RDWR | os.O_NONBLOCK)

    async def attach_device(self, guest: Guest, device: Any) -> None:
        self.done.append(("attach", guest.name, type(device).__name__))

    async def detach_device(self, guest: Guest, device: Any) -> None:
        self.done.append(("detach", guest.name, type(device).__name__))


def start_refused() -> VirtError:
    """Why a container may not start."""
    return VirtError(Code.INTERNAL_ERROR, "no such init")


class Containers:
    """A driver under `root`.  `api` has every method of its parts; `told` the domain events."""

    def __init__(self, root: Path) -> None:
        self.bus = EventBus()
        self.seen: list[Event] = []
        self.bus.subscribe(self.seen.append)
        self.tasks = TaskOwner("test")
        self.driver = LxcDriver(Environment(Paths.system(root), self.bus, self.tasks, privileged=True))
        self.context = self.driver.context
        self.runtime = FakeRuntime()
        self.context.runtime = self.runtime
        self.connection = Connection("lxc:///system", readonly=False, identity=Identity())

    async def __aenter__(self) -> Self:
        self._token = current_call.set(Call("virDomainTest", self.connection))
        await self.driver.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.driver.stop()
        await self.tasks.close()
        current_call.reset(self._token)

    @property
    def api(self) -> Any:
        """`containers.api.domain_get_info(ref)`: the method, whichever part has it."""
        return _Api(self.driver.parts)

    def told(self) -> list[tuple[object, ...]]:
        """The domain events so far: (id of the event, its arguments)."""
        return [(event.event_id, *event.args) for event in self.seen if event.kind is Kind.DOMAIN]

    async def define(self, xml: str | None = None) -> DomainRef:
        """Store a guest."""
        ref: DomainRef = await self.api.domain_define_xml_flags(xml or container_xml(), 0)
        return ref

    async def run(self, xml: str | None = None) -> DomainRef:
        """Store a guest and start it."""
        ref = await self.define(xml)
        running: DomainRef = await self.api.domain_create_with_flags(ref, 0)
        return running

    def guest(self, ref: DomainRef) -> Guest:
        return self.context.guests.by_ref(ref)


class _Api:
    def __init__(self, parts: tuple[object, ...]) -> None:
        self._parts = parts

    def __getattr__(self, name: str) -> Any:
        return next(getattr(part, name) for part in self._parts if hasattr(part, name))
