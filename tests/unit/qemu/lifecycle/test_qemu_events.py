# SPDX-License-Identifier: LGPL-2.1-or-later
"""What follows from QEMU's events."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from drivers.qemu.block.nodes import number_images
from drivers.qemu.lifecycle import events
from tests.fakes.guests import World, guest_xml
from tests.fakes.house import until
from virtd.enums import DomainEventID, DomainRunningReason, DomainShutoffReason, DomainState
from virtd.events import Kind

DISK = (
    "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/cd.iso'/>"
    "<target dev='sda' bus='sata'/></disk>"
)
CHANNEL = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
RUNNING, PAUSED, CRASHED = DomainState.RUNNING, DomainState.PAUSED, DomainState.CRASHED


@pytest.mark.parametrize(
    ("name", "data", "told", "state"),
    [
        ("STOP", {}, [(0, 3, 0)], (PAUSED, 0)),
        ("RESET", {"guest": True}, [(1,)], (RUNNING, 1)),
        ("WATCHDOG", {"action": "pause"}, [(3, 1), (0, 3, 3)], (PAUSED, 6)),
        ("WATCHDOG", {"action": "reset"}, [(3, 2)], (RUNNING, 1)),
        ("SUSPEND", {}, [(12, 0), (0, 7, 0)], (DomainState.PMSUSPENDED, 0)),
        ("SUSPEND_DISK", {}, [(14, 0), (0, 7, 1)], (DomainState.PMSUSPENDED, 0)),
        ("WAKEUP", {}, [(11, 0)], (RUNNING, 1)),
        ("RTC_CHANGE", {"offset": 5}, [(2, 5)], (RUNNING, 1)),
        ("BALLOON_CHANGE", {"actual": 1048576}, [(13, 1024)], (RUNNING, 1)),
        ("DEVICE_UNPLUG_GUEST_ERROR", {"device": "net0"}, [(22, "net0")], (RUNNING, 1)),
        ("MEMORY_DEVICE_SIZE_CHANGE", {"id": "virtiomem0", "size": 4096}, [(26, "virtiomem0", 4)], (RUNNING, 1)),
        (
            "BLOCK_IO_ERROR",
            {"qom-path": "/machine/peripheral/sata0-0-0", "action": "stop", "nospace": True},
            [(4, "/cd.iso", "sata0-0-0", 1), (6, "/cd.iso", "sata0-0-0", 1, "enospc"), (0, 3, 2)],
            (PAUSED, 5),
        ),
        (
            "BLOCK_IO_ERROR",
            {"device": "", "node-name": "libvirt-1-format", "action": "report", "nospace": False},
            [(4, "/cd.iso", "sata0-0-0", 2), (6, "/cd.iso", "sata0-0-0", 2, "")],
            (RUNNING, 1),
        ),
        ("DEVICE_TRAY_MOVED", {"id": "sata0-0-0", "tray-open": True}, [(10, "sata0-0-0", 0)], (RUNNING, 1)),
        ("VSERPORT_CHANGE", {"id": "channel0", "open": True}, [(18, 1, 2)], (RUNNING, 1)),
        (
            "MEMORY_FAILURE",
            {"recipient": "guest", "action": "inject", "flags": {"action-required": True, "recursive": False}},
            [(25, 1, 1, 1)],
            (RUNNING, 1),
        ),
        ("GUEST_PANICKED", {"action": "pause"}, [(0, 3, 0), (0, 8, 0)], (CRASHED, 1)),
        ("NOT_KNOWN_HERE", {"x": 1}, [], (RUNNING, 1)),
    ],
)
async def test_an_event(
    world: World, name: str, data: dict[str, Any], told: list[tuple[object, ...]], state: tuple[int, int]
):
    crash = "<on_crash>preserve</on_crash>"
    ref = await world.define(guest_xml("g", DISK + CHANNEL, extra=crash))
    server = await world.run(ref)
    server.replies |= {"system_reset": {}, "cont": {}}
    number_images(world.guest(ref).require_active().devices.disks)
    world.seen.clear()
    events.listener(world.guest(ref))(name, data, 1, 2)
    assert world.told() == told
    assert world.api.domain_get_state(ref, 0) == state
    raw = next(e for e in world.seen if e.kind is Kind.QEMU_MONITOR)
    assert raw.args[:3] == (name, 1, 2)


async def test_who_looks_at_the_screen(world: World):
    ref = await world.define()
    await world.run(ref)
    end = {"family": "ipv4", "host": "127.0.0.1", "service": "5900"}
    data = {"server": end | {"auth": "none"}, "client": end | {"service": "40000", "x509_dname": "CN=me"}}
    events.listener(world.guest(ref))("VNC_INITIALIZED", data, 0, 0)
    address = (0, "127.0.0.1")
    assert world.told(DomainEventID.GRAPHICS) == [
        (1, (*address, "5900"), (*address, "40000"), "none", [("x509dname", "CN=me")])
    ]


@pytest.mark.parametrize("data", [{}, {"offset": "much"}, {"device": 7}, {"actual": None}, {"id": None, "open": 3}])
@pytest.mark.parametrize("name", sorted(events.HANDLERS))
async def test_a_malformed_event_does_no_harm(world: World, name: str, data: dict[str, Any]):
    ref = await world.define(guest_xml("g", DISK))
    server = await world.run(ref)
    server.replies |= {"system_reset": {}, "cont": {}}
    guest = world.guest(ref)
    assert guest.runtime is not None
    guest.runtime.stopping = 1  # what ends a guest is not the matter here
    events.listener(guest)(name, data, 0, 0)


async def test_a_guest_that_is_started_over_after_a_crash_runs_for_that_reason(world: World):
    ref = await world.define(guest_xml("g", extra="<on_crash>restart</on_crash>"))
    server = await world.run(ref)

    def tell(name: str) -> dict[str, object]:
        server.event(name)
        return {}

    server.replies |= {"system_reset": lambda _: tell("RESET"), "cont": lambda _: tell("RESUME")}
    world.seen.clear()
    server.event("GUEST_PANICKED", action="pause")
    await until(lambda: world.api.domain_get_state(ref, 0)[0] == RUNNING and len(world.told()) > 3)
    assert world.api.domain_get_state(ref, 0) == (RUNNING, DomainRunningReason.CRASHED)
    assert world.told() == [(0, 3, 0), (0, 8, 0), (1,), (0, 4, 0)]


async def test_a_power_off_that_is_to_be_a_restart_is_no_shutdown(world: World):
    ref = await world.define(guest_xml("g", extra="<on_poweroff>restart</on_poweroff>"))
    server = await world.run(ref)
    resumed = asyncio.Event()

    def resume() -> dict[str, object]:
        server.event("RESUME")
        resumed.set()
        return {}

    server.replies |= {"system_reset": {}, "cont": lambda _: resume()}
    world.seen.clear()
    server.event("SHUTDOWN", guest=True, reason="guest-shutdown")
    server.event("STOP")
    async with asyncio.timeout(10):
        await resumed.wait()
    runtime = world.guest(ref).runtime
    assert runtime is not None
    await until(lambda: not runtime.powered_off)
    assert world.told() == []
    assert world.api.domain_get_state(ref, 0)[0] == RUNNING


async def test_the_end_of_a_crashed_guest_is_no_shutdown(world: World):
    ref = await world.define(guest_xml("g", extra="<on_crash>preserve</on_crash>"))
    await world.run(ref)
    tell = events.listener(world.guest(ref))
    tell("GUEST_PANICKED", {"action": "pause"}, 1, 2)
    runtime = world.guest(ref).runtime
    assert runtime is not None
    runtime.stopping = DomainShutoffReason.CRASHED
    world.seen.clear()
    tell("SHUTDOWN", {"guest": False, "reason": "host-signal"}, 1, 2)
    assert (world.told(), world.api.domain_get_state(ref, 0)[0]) == ([], CRASHED)
