# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers begin, pause and end: states, events, what is asked of the runtime."""

from __future__ import annotations

import asyncio
import signal

import pytest

from drivers.lxc.runstate import End
from tests.fakes.containers import Containers, container_xml, start_refused
from virtd.calls import current_call
from virtd.enums import DomainCreateFlags, DomainEventID, DomainShutdownFlags, DomainState
from virtd.errors import Code, VirtError

LIFE, REBOOT = DomainEventID.LIFECYCLE, DomainEventID.REBOOT
DEFINED, UNDEFINED, STARTED = (LIFE, 0, 0), (LIFE, 1, 0), (LIFE, 2, 0)
SUSPENDED, RESUMED = (LIFE, 3, 0), (LIFE, 4, 0)


def stopped(detail: int) -> tuple[int, int, int]:
    return (LIFE, 5, detail)


async def settle(containers: Containers, ref: object) -> None:
    """Let the guest's own tasks do their work."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_life(containers: Containers):
    ref = await containers.run()
    assert ref.id == containers.runtime.next_pid  # the controller's number
    assert containers.api.domain_get_state(ref, 0) == (DomainState.RUNNING, 1)
    await containers.api.domain_suspend(ref)
    await containers.api.domain_suspend(ref)
    assert containers.api.domain_get_state(ref, 0) == (DomainState.PAUSED, 1)
    await containers.api.domain_resume(ref)
    with pytest.raises(VirtError, match="domain is already running"):
        await containers.api.domain_resume(ref)
    await containers.api.domain_destroy_flags(ref, 0)
    assert containers.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, 2)
    assert containers.guest(ref).id == -1
    assert [name for name, *_ in containers.runtime.done] == ["start", "freeze", "thaw", "stop"]
    assert containers.told() == [DEFINED, STARTED, SUSPENDED, RESUMED, stopped(1)]


async def test_what_a_running_container_has_besides(containers: Containers):
    ref = await containers.run()
    live = containers.api.domain_get_xml_desc(ref, 0)
    assert "<partition>/machine</partition>" in live
    assert (
        "<filesystem type='mount' accessmode='passthrough'>\n      <source dir='/'/>\n      <target dir='/'/>" in live
    )
    assert "<alias name='console0'/>" in live
    assert f"id='{ref.id}'" in live
    assert "filesystem" not in containers.api.domain_get_xml_desc(ref, 2)


async def test_a_root_of_its_own_is_not_doubled(containers: Containers):
    root = "<filesystem type='mount'><source dir='/r'/><target dir='/'/></filesystem><console/>"
    ref = await containers.run(container_xml(devices=root))
    assert containers.api.domain_get_xml_desc(ref, 0).count("<target dir='/'/>") == 1


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        ("", "At least one PTY console is required"),
        ("<console type='file'><source path='/x'/></console>", "Only PTY console types are supported"),
    ],
)
async def test_a_container_needs_a_terminal(containers: Containers, devices: str, text: str):
    ref = await containers.define(container_xml(devices=devices))
    with pytest.raises(VirtError, match=text):
        await containers.api.domain_create_with_flags(ref, 0)
    assert containers.runtime.done == []


async def test_a_partition_is_named_from_the_root(containers: Containers):
    ref = await containers.define(container_xml(extra="<resource><partition>mine</partition></resource>"))
    with pytest.raises(VirtError, match="Resource partition 'mine' must start with '/'"):
        await containers.api.domain_create_with_flags(ref, 0)


async def test_a_start_that_fails_leaves_nothing(containers: Containers):
    ref = await containers.define()
    containers.runtime.failure = start_refused()
    with pytest.raises(VirtError, match="no such init"):
        await containers.api.domain_create_with_flags(ref, 0)
    assert containers.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, 6)
    assert not containers.context.paths.status("c").exists()
    with pytest.raises(VirtError, match="no such init"):
        await containers.api.domain_create_xml(container_xml("t"), 0)
    assert containers.context.guests.by_name("t") is None


async def test_a_transient_container_goes_with_its_end(containers: Containers):
    ref = await containers.api.domain_create_xml(container_xml("t"), 0)
    xml = containers.api.domain_get_xml_desc(ref, 0)
    with pytest.raises(VirtError, match="is already active"):
        await containers.api.domain_create_xml(xml, 0)
    with pytest.raises(VirtError, match="cannot undefine transient domain"):
        await containers.api.domain_undefine_flags(ref, 0)
    await containers.api.domain_destroy_flags(ref, 0)
    with pytest.raises(VirtError) as raised:
        containers.api.domain_get_state(ref, 0)
    assert raised.value.code == Code.NO_DOMAIN


async def test_a_container_goes_with_its_connection(containers: Containers):
    ref = await containers.api.domain_create_xml(container_xml("t"), DomainCreateFlags.START_AUTODESTROY)
    containers.connection.closed()
    await settle(containers, ref)
    assert containers.context.guests.by_name("t") is None
    assert containers.told()[-1] == stopped(1)


async def test_a_reboot_does_not_free_it_from_its_connection(containers: Containers):
    ref = await containers.api.domain_create_xml(container_xml("t"), DomainCreateFlags.START_AUTODESTROY)
    containers.guest(ref).ended(End.REBOOT)
    await settle(containers, ref)
    assert containers.told()[-1] == (REBOOT,)
    containers.connection.closed()
    await settle(containers, ref)
    assert containers.context.guests.by_name("t") is None


@pytest.mark.parametrize(("how", "reason", "detail"), [(End.SHUTDOWN, 1, 0), (End.CRASHED, 3, 5)])
async def test_an_end_that_nobody_asked_for(containers: Containers, how: End, reason: int, detail: int):
    ref = await containers.run()
    containers.guest(ref).ended(how)
    await settle(containers, ref)
    assert containers.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, reason)
    assert containers.told()[-1] == stopped(detail)
    assert containers.runtime.done[-1] == ("stop", "c", reason)


async def test_a_reboot_from_inside(containers: Containers):
    ref = await containers.run()
    containers.guest(ref).ended(End.REBOOT)
    await settle(containers, ref)
    assert containers.api.domain_get_state(ref, 0)[0] == DomainState.RUNNING
    assert containers.guest(ref).id == ref.id + 1
    assert containers.told()[-1] == (REBOOT,)


async def test_a_reboot_that_is_an_end(containers: Containers):
    ref = await containers.run(container_xml(extra="<on_reboot>destroy</on_reboot>"))
    containers.guest(ref).ended(End.REBOOT)
    await settle(containers, ref)
    assert containers.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, 1)


async def test_a_reboot_that_fails(containers: Containers):
    ref = await containers.run()
    containers.runtime.failure = start_refused()
    containers.guest(ref).ended(End.REBOOT)
    await settle(containers, ref)
    assert containers.api.domain_get_state(ref, 0) == (DomainState.SHUTOFF, 6)
    assert containers.told()[-1] == stopped(5)


async def test_a_container_that_does_not_die(containers: Containers):
    ref = await containers.run()
    containers.runtime.undying = True
    with pytest.raises(VirtError, match="some processes refused to die"):
        await containers.api.domain_destroy_flags(ref, 0)
    assert containers.api.domain_get_state(ref, 0)[0] == DomainState.RUNNING
    containers.runtime.undying = False
    containers.guest(ref).ended(End.CRASHED)  # it does after all
    await settle(containers, ref)
    assert containers.told()[-1] == stopped(5)


async def test_an_end_that_was_asked_for_is_told_once(containers: Containers):
    ref = await containers.run()
    guest = containers.guest(ref)
    guest.ended(End.CRASHED)
    await containers.api.domain_destroy_flags(ref, 0)
    await settle(containers, ref)
    assert [event for event in containers.told() if event[1] == 5] == [stopped(1)]


@pytest.mark.parametrize(
    ("call", "runlevel", "number"), [("shutdown_flags", "0", signal.SIGTERM), ("reboot", "6", signal.SIGHUP)]
)
async def test_init_is_asked_then_signalled(containers: Containers, call: str, runlevel: str, number: int):
    ref = await containers.run()
    ask = getattr(containers.api, f"domain_{call}")
    await ask(ref, 0)
    assert containers.runtime.done[-2:] == [("ask", "c", runlevel), ("signal", "c", number)]
    await ask(ref, DomainShutdownFlags.SIGNAL)
    assert containers.runtime.done[-1] == ("signal", "c", number)
    assert len(containers.runtime.done) == 4
    with pytest.raises(VirtError, match="Container does not provide an initctl pipe"):
        await ask(ref, DomainShutdownFlags.INITCTL)
    containers.runtime.has_initctl = True
    await ask(ref, 0)
    assert containers.runtime.done[-1] == ("ask", "c", runlevel)


async def test_signals_are_for_init(containers: Containers):
    ref = await containers.define()
    with pytest.raises(VirtError, match="domain is not running"):
        await containers.api.domain_send_process_signal(ref, 1, 9, 0)
    await containers.api.domain_create_with_flags(ref, 0)
    await containers.api.domain_send_process_signal(ref, 1, 9, 0)
    assert containers.runtime.done[-1] == ("signal", "c", 9)
    with pytest.raises(VirtError, match="Only the init process may be killed"):
        await containers.api.domain_send_process_signal(ref, 5, 9, 0)
    with pytest.raises(VirtError, match="signum value 99 is out of range"):
        await containers.api.domain_send_process_signal(ref, 1, 99, 0)


async def test_a_running_container_outlives_its_definition(containers: Containers):
    ref = await containers.run()
    await containers.api.domain_undefine_flags(ref, 0)
    assert containers.api.domain_is_persistent(ref) == 0
    await containers.define(containers.api.domain_get_xml_desc(ref, 0))
    assert containers.api.domain_is_persistent(ref) == 1


@pytest.mark.parametrize(
    ("call", "flags"),
    [
        ("domain_undefine_flags", 1), ("domain_destroy_flags", 1), ("domain_create_with_flags", 1),
        ("domain_shutdown_flags", 1), ("domain_reboot", 1), ("domain_open_console", 1), ("domain_get_xml_desc", 4),
    ],
)  # fmt: skip
async def test_unknown_flags(containers: Containers, call: str, flags: int):
    ref = await containers.define()
    arguments = (ref, None, flags) if call == "domain_open_console" else (ref, flags)

    async def asked() -> None:
        result = getattr(containers.api, call)(*arguments)
        if asyncio.iscoroutine(result):
            await result

    with pytest.raises(VirtError, match="unsupported flags"):
        await asked()


async def test_descriptors_for_init(containers: Containers):
    current_call.get().fds[:] = [77]
    ref = await containers.api.domain_create_xml_with_files(container_xml(), 0)
    assert containers.runtime.done == [("start", "c", 77)]
    await containers.api.domain_destroy_flags(ref, 0)
    ref = await containers.define()
    await containers.api.domain_create_with_files(ref, 0)
    assert containers.runtime.done[-1] == ("start", "c", 77)
