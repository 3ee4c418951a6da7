# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events: registrations of both kinds, what is told to whom, and clients that do not listen."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.driver import DOMAIN, OTHER
from tests.fakes.house import House, until
from virtd.errors import Code, From
from virtd.events import Event, Kind
from virtd.refs import NetworkRef
from virtd.wire.programs import QEMU

LIFECYCLE, REBOOT, PMWAKEUP, BLOCK_JOB_2 = 0, 1, 11, 16
NETWORK = NetworkRef("default", bytes(16))


def emit(house: House, kind: Kind, event_id: int, subject: tuple[object, ...], *args: object) -> None:
    house.driver.env.events.emit(Event(kind, event_id, subject, args))


async def test_lifecycle_by_callback(house: House) -> None:
    client = await house.open()
    callback_id = await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, None)
    emit(house, Kind.DOMAIN, LIFECYCLE, DOMAIN, 2, 0)
    assert await client.event() == ("DOMAIN_EVENT_CALLBACK_LIFECYCLE", (callback_id, DOMAIN, 2, 0))
    await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY", callback_id)
    emit(house, Kind.DOMAIN, LIFECYCLE, DOMAIN, 2, 0)
    await client.call("CONNECT_GET_HOSTNAME")
    assert client.events.empty()


async def test_lifecycle_of_old(house: House) -> None:
    client = await house.open()
    assert await client.call("CONNECT_DOMAIN_EVENT_REGISTER") == 0
    emit(house, Kind.DOMAIN, LIFECYCLE, DOMAIN, 5, 1)
    assert await client.event() == ("DOMAIN_EVENT_LIFECYCLE", (DOMAIN, 5, 1))
    assert await client.call("CONNECT_DOMAIN_EVENT_DEREGISTER") == 0
    error = await client.refused("CONNECT_DOMAIN_EVENT_DEREGISTER")
    assert error.message == "internal error: domain event 0 not registered"


@pytest.mark.parametrize(
    ("event_id", "args", "callback", "legacy"),
    [
        (REBOOT, (), (DOMAIN,), (DOMAIN,)),
        (PMWAKEUP, (3,), (3, DOMAIN), (DOMAIN,)),
        (4, ("/disk", "virtio0", 1), (DOMAIN, "/disk", "virtio0", 1), (DOMAIN, "/disk", "virtio0", 1)),
    ],
)
async def test_every_shape_of_message(
    house: House,
    event_id: int,
    args: tuple[object, ...],
    callback: tuple[object, ...],
    legacy: tuple[object, ...],
) -> None:
    new, old = await house.open(), await house.open()
    callback_id = await new.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", event_id, None)
    await old.call("CONNECT_DOMAIN_EVENT_REGISTER_ANY", event_id)
    emit(house, Kind.DOMAIN, event_id, DOMAIN, *args)
    assert (await new.event())[1] == (callback_id, *callback)
    assert (await old.event())[1] == legacy
    await old.call("CONNECT_DOMAIN_EVENT_DEREGISTER_ANY", event_id)


async def test_events_without_an_old_form(house: House) -> None:
    client = await house.open()
    callback_id = await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", BLOCK_JOB_2, None)
    emit(house, Kind.DOMAIN, BLOCK_JOB_2, DOMAIN, "vda", 2, 3)
    assert await client.event() == ("DOMAIN_EVENT_BLOCK_JOB_2", (callback_id, DOMAIN, "vda", 2, 3))
    error = await client.refused("CONNECT_DOMAIN_EVENT_REGISTER_ANY", BLOCK_JOB_2)
    assert error.message == "internal error: unsupported event ID 16"


async def test_one_domain_only(house: House) -> None:
    client = await house.open()
    await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, DOMAIN)
    emit(house, Kind.DOMAIN, LIFECYCLE, OTHER, 2, 0)
    emit(house, Kind.DOMAIN, LIFECYCLE, DOMAIN._replace(name="renamed", id=-1), 5, 0)
    assert (await client.event())[1][1].name == "renamed"
    assert client.events.empty()


async def test_double_registration_is_refused(house: House) -> None:
    client = await house.open()
    await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, None)
    await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, DOMAIN)
    for name, args in (
        ("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", (LIFECYCLE, None)),
        ("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", (LIFECYCLE, DOMAIN)),
        ("CONNECT_DOMAIN_EVENT_REGISTER", ()),
        ("CONNECT_DOMAIN_EVENT_REGISTER_ANY", (LIFECYCLE,)),
    ):
        error = await client.refused(name, *args)
        assert (error.code, error.source) == (Code.INVALID_ARG, From.NONE)
        assert error.message == "invalid argument: event callback already tracked"


async def test_networks(house: House) -> None:
    client = await house.open()
    callback_id = await client.call("CONNECT_NETWORK_EVENT_REGISTER_ANY", 0, None)
    emit(house, Kind.NETWORK, 0, NETWORK, 1, 0)
    assert await client.event() == ("NETWORK_EVENT_LIFECYCLE", (callback_id, NETWORK, 1, 0))
    error = await client.refused("CONNECT_NETWORK_EVENT_REGISTER_ANY", 9, None)
    assert error.message == "internal error: unsupported network event ID 9"
    error = await client.refused("CONNECT_NETWORK_EVENT_DEREGISTER_ANY", 99)
    assert error.message == "internal error: network event callback 99 not registered"
    error = await client.refused("CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY", callback_id)
    assert error.message == f"internal error: domain event callback {callback_id} not registered"


async def test_kinds_that_no_driver_emits(house: House) -> None:
    client = await house.open()
    error = await client.refused("CONNECT_SECRET_EVENT_REGISTER_ANY", 0, None)
    assert error.code == Code.NO_SUPPORT


@pytest.mark.parametrize(
    ("event", "flags", "names"),
    [
        (None, 0, ["STOP", "RESUME", "RESET"]),
        ("STOP", 0, ["STOP"]),
        ("stop", 0, []),
        ("stop", 2, ["STOP"]),
        ("^RES", 1, ["RESUME", "RESET"]),
        ("s.*e", 3, ["RESUME", "RESET"]),
    ],
)
async def test_monitor_events(house: House, event: str | None, flags: int, names: list[str]) -> None:
    client = await house.open()
    await client.call("CONNECT_DOMAIN_MONITOR_EVENT_REGISTER", DOMAIN, event, flags, program=QEMU)
    for name in ("STOP", "RESUME", "RESET"):
        emit(house, Kind.QEMU_MONITOR, 0, DOMAIN, name, 1, 2, None)
        emit(house, Kind.QEMU_MONITOR, 0, OTHER, name, 1, 2, None)
    assert [(await client.event())[1][2] for _ in names] == names
    await client.call("CONNECT_GET_HOSTNAME")
    assert client.events.empty()


async def test_monitor_filters_that_are_none(house: House) -> None:
    client = await house.open()
    register = "CONNECT_DOMAIN_MONITOR_EVENT_REGISTER"
    error = await client.refused(register, None, "(", 1, program=QEMU)
    assert error.code == Code.INVALID_ARG
    assert "failed to compile regex '('" in error.message
    error = await client.refused(register, None, None, 8, program=QEMU)
    assert error.detail == "unsupported flags (0x8) in function virDomainQemuMonitorEventStateRegisterID"
    error = await client.refused("CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER", 99, program=QEMU)
    assert error.message == "internal error: qemu monitor event callback 99 not registered"


async def test_a_client_that_does_not_take_its_events_is_sent_home(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("virtd.server.client.MAX_UNSENT", 1 << 12)
    client, witness = await house.open(), await house.open()
    await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, None)
    await witness.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, None)
    client.pause()
    for _ in range(2000):
        emit(house, Kind.DOMAIN, LIFECYCLE, DOMAIN, 2, 0)
        await asyncio.sleep(0)
    await until(lambda: len(house.server.clients) == 1)
    assert await witness.call("CONNECT_GET_HOSTNAME") == "host"


async def test_nobody_listens_once_all_have_left(house: House) -> None:
    client = await house.open()
    await client.call("CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY", LIFECYCLE, None)
    await client.call("CONNECT_NETWORK_EVENT_REGISTER_ANY", 0, None)
    bus = house.driver.env.events
    assert len(bus._listeners) == 1
    client.close()
    await until(lambda: not bus._listeners)
