# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pausing, resetting, power buttons; states, reasons, events."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.guests import World
from tests.fakes.house import until
from tests.fakes.qmp_server import FakeQmpServer
from virtd.enums import DomainEventID, DomainState
from virtd.errors import Code, From, VirtError


def stops_and_goes(server: FakeQmpServer) -> None:
    """A QEMU that tells of what it was told to do before it answers."""

    def tell(name: str) -> dict[str, object]:
        server.event(name)
        return {}

    server.replies |= {"stop": lambda _: tell("STOP"), "cont": lambda _: tell("RESUME")}


async def test_suspend_and_resume(world: World):
    ref = await world.define()
    stops_and_goes(await world.run(ref))
    await world.api.domain_suspend(ref)
    assert world.api.domain_get_state(ref, 0) == (DomainState.PAUSED, 1)
    await world.api.domain_suspend(ref)
    await world.api.domain_resume(ref)
    assert world.api.domain_get_state(ref, 0) == (DomainState.RUNNING, 5)
    with pytest.raises(VirtError, match="domain is already running"):
        await world.api.domain_resume(ref)
    assert world.told(DomainEventID.LIFECYCLE)[-2:] == [(3, 0), (4, 0)]
    assert "state='running'" in world.context.paths.status("g").read_text()


async def test_an_inactive_guest_has_no_power(world: World):
    ref = await world.define()
    for call in ("domain_suspend", "domain_resume"):
        with pytest.raises(VirtError, match="domain is not running") as caught:
            await getattr(world.api, call)(ref)
        assert caught.value.code == Code.OPERATION_INVALID


async def test_a_reboot_presses_the_button_and_starts_over_at_power_off(world: World):
    ref = await world.define()
    server = await world.run(ref)
    stops_and_goes(server)
    server.replies |= {"system_powerdown": {}, "system_reset": lambda _: server.event("RESET") or {}}
    await world.api.domain_reboot(ref, 0)
    server.event("SHUTDOWN", guest=True, reason="guest-shutdown")
    server.event("STOP")
    await until(lambda: len(server.commands) > 2)
    assert [name for name, _ in server.commands] == ["system_powerdown", "system_reset", "cont"]
    assert world.api.domain_get_state(ref, 0) == (DomainState.RUNNING, 1)
    assert world.told()[1:] == [(DomainEventID.REBOOT,)]


async def test_a_power_off_after_a_reboot_is_one(world: World):
    ref = await world.define()
    server = await world.run(ref)
    stops_and_goes(server)
    server.replies |= {"system_powerdown": {}, "system_reset": {}}
    await world.api.domain_reboot(ref, 0)
    server.event("SHUTDOWN", guest=True, reason="guest-shutdown")
    await until(lambda: len(server.commands) > 2)
    await until(lambda: world.guest(ref).jobs.kind is None)
    runtime = world.guest(ref).runtime
    assert runtime is not None
    runtime.stopping = 1  # the end itself is for real processes
    server.event("SHUTDOWN", guest=True, reason="guest-shutdown")
    await until(lambda: (6, 1) in world.told(DomainEventID.LIFECYCLE))
    assert world.api.domain_get_state(ref, 0)[0] == DomainState.SHUTDOWN


async def test_calls_queue_behind_a_job_but_queries_do_not(world: World):
    ref = await world.define()
    stops_and_goes(await world.run(ref))
    async with world.guest(ref).job("modify"):
        waiting = asyncio.ensure_future(world.api.domain_suspend(ref))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        assert world.api.domain_get_state(ref, 0) == (DomainState.RUNNING, 1)
        assert world.api.domain_get_control_info(ref, 0) == (1, 0, 0)
    await waiting
    assert world.api.domain_get_state(ref, 0)[0] == DomainState.PAUSED


async def test_the_agent_is_asked_for_in_vain(world: World):
    ref = await world.define()
    await world.run(ref)
    with pytest.raises(VirtError, match="QEMU guest agent is not configured"):
        await world.api.domain_shutdown_flags(ref, 2)


async def test_a_paused_guest_cannot_shut_down(world: World):
    ref = await world.define()
    server = await world.run(ref)
    stops_and_goes(server)
    await world.api.domain_suspend(ref)
    for flags in (0, 1, 3):
        with pytest.raises(VirtError, match="domain is not running") as caught:
            await world.api.domain_shutdown_flags(ref, flags)
        assert (caught.value.code, caught.value.source) == (Code.OPERATION_INVALID, None)
    assert "system_powerdown" not in [name for name, _ in server.commands]


async def test_who_has_no_agent_to_reboot_it(world: World):
    ref = await world.define()
    with pytest.raises(VirtError, match="domain is not running") as caught:
        await world.api.domain_reboot(ref, 2)
    assert caught.value.source is None


async def test_what_qemu_cannot_do_at_a_guests_end(world: World):
    ref = await world.define()
    for type_, action, source, text in (
        (0, 3, None, "doesn't support the 'preserve' action"),
        (2, 2, None, "doesn't support the 'rename-restart' action"),
        (0, 4, From.DOMAIN, "Lifecycle event 'poweroff' doesn't support 'coredump-destroy' action"),
    ):
        with pytest.raises(VirtError, match=text) as caught:
            await world.api.domain_set_lifecycle_action(ref, type_, action, 2)
        assert (caught.value.code, caught.value.source) == (Code.CONFIG_UNSUPPORTED, source)
    await world.api.domain_set_lifecycle_action(ref, 2, 3, 2)
    assert "<on_crash>preserve</on_crash>" in world.api.domain_get_xml_desc(ref, 0)


async def test_keys_are_translated_before_a_guest_is_looked_for(world: World):
    ref = await world.define()
    await world.api.domain_undefine_flags(ref, 0)
    with pytest.raises(VirtError, match="cannot translate keycode 9999 of linux codeset"):
        await world.api.domain_send_key(ref, 0, 0, [9999], 0)


async def test_a_guest_that_reboots_end_is_told_so_and_not_started_over(world: World):
    ref = await world.define()
    server = await world.run(ref)
    server.replies |= {"set-action": {}, "system_powerdown": {}}
    for action, word in ((0, "shutdown"), (1, "reset")):
        await world.api.domain_set_lifecycle_action(ref, 1, action, 1)
        assert server.commands[-1] == ("set-action", {"reboot": word})
        await world.api.domain_reboot(ref, 0)
        runtime = world.guest(ref).runtime
        assert runtime is not None
        assert runtime.fake_reboot is (action == 1)
