# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may: root by asking, others by polkit (a made-up one on a bus of its own), and nobody before."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from dbus_fast import DBusError, Variant
from dbus_fast.annotations import DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, method

from tests.fakes.client import WireClient
from tests.fakes.driver import DOMAIN
from tests.fakes.house import House, until
from tests.fakes.system_bus import system_bus
from virtd.calls import Identity
from virtd.errors import Code, From
from virtd.host.polkit import process_start_time


@pytest.fixture
async def stranger(house: House, monkeypatch: pytest.MonkeyPatch) -> WireClient:
    """A client that is not root, whoever runs the tests."""
    someone = Identity(uid=1234, gid=1234, pid=os.getpid(), user=None)
    monkeypatch.setattr("virtd.server.client.peer_identity", lambda _: someone)
    return house.connect()


async def test_root_is_authenticated_by_asking(house: House) -> None:
    if os.getuid() != 0:
        pytest.skip("not root")
    client = house.connect()
    error = await client.refused("CONNECT_OPEN", "fake:///here", 0)
    assert (error.code, error.source, error.message) == (Code.RPC, From.RPC, "authentication required")
    assert await client.call("AUTH_LIST") == [0]
    await client.call("CONNECT_OPEN", "fake:///here", 0)


async def test_a_stranger_gets_nowhere(house: House, stranger: WireClient) -> None:
    assert await stranger.call("AUTH_LIST") == [2]
    for name, args in (("CONNECT_OPEN", ("fake:///here", 0)), ("DOMAIN_SUSPEND", (DOMAIN,)), ("CONNECT_GET_URI", ())):
        assert (await stranger.refused(name, *args)).message == "authentication required"
    for name, args in (("AUTH_SASL_INIT", ()), ("AUTH_SASL_START", ("X", 1, b"")), ("AUTH_SASL_STEP", (1, b""))):
        error = await stranger.refused(name, *args)
        assert (error.code, error.message) == (Code.AUTH_FAILED, "authentication failed: authentication failed")
    stranger.ping()
    await until(lambda: stranger.pongs)


async def test_strangers_close_the_door_behind_them(house: House, stranger: WireClient) -> None:
    house.limits.max_anonymous_clients = 2
    await stranger.call("AUTH_LIST")
    second, third = house.connect(), house.connect()
    await second.call("AUTH_LIST")
    reply = third.start("AUTH_LIST")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(reply), 0.05)
    second.close()
    assert (await third.finish(reply))[0] == [2]


async def test_no_bus_no_answer(stranger: WireClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    error = await stranger.refused("AUTH_POLKIT")
    assert (error.code, error.source) == (Code.INTERNAL_ERROR, From.DBUS)
    assert "Unable to get system bus connection" in error.message


class Authority(ServiceInterface):
    """org.freedesktop.PolicyKit1.Authority, which says what it is told to say."""

    def __init__(self) -> None:
        super().__init__("org.freedesktop.PolicyKit1.Authority")
        self.answer: list[Any] = [True, False, {}]
        self.asked: list[tuple[Any, ...]] = []

    @method()
    def CheckAuthorization(
        self,
        subject: Annotated[Any, DBusSignature("(sa{sv})")],
        action: DBusStr,
        details: Annotated[dict[str, str], DBusSignature("a{ss}")],
        flags: DBusUInt32,
        cancellation: DBusStr,
    ) -> Annotated[list[Any], DBusSignature("(bba{ss})")]:
        self.asked.append((subject, action, flags))
        if self.answer == ["error"]:
            raise DBusError("org.freedesktop.PolicyKit1.Error.Failed", "out of order")
        return self.answer


@pytest.fixture
async def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Authority]:
    async with system_bus(tmp_path, monkeypatch) as bus:
        authority = Authority()
        bus.export("/org/freedesktop/PolicyKit1/Authority", authority)
        await bus.request_name("org.freedesktop.PolicyKit1")
        yield authority


async def test_polkit_lets_one_in(house: House, stranger: WireClient, authority: Authority) -> None:
    assert await stranger.call("AUTH_POLKIT") == 1
    await stranger.call("CONNECT_OPEN", "fake:///here", 0)
    ((kind, process), action, flags) = authority.asked[0]
    assert (kind, action, flags) == ("unix-process", "org.libvirt.unix.manage", 1)
    assert process == {
        "pid": Variant("u", os.getpid()),
        "start-time": Variant("t", process_start_time(os.getpid())),
        "uid": Variant("i", 1234),
    }
    assert (await stranger.refused("AUTH_POLKIT")).code == Code.AUTH_FAILED  # once is enough
    assert house.server.anonymous == 0


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        ([False, False, {}], Code.AUTH_FAILED, "authentication failed: access denied by policy"),
        (
            [False, False, {"polkit.dismissed": "true"}],
            Code.AUTH_CANCELLED,
            "authentication cancelled: user cancelled authentication process",
        ),
        (
            [False, True, {}],
            Code.AUTH_UNAVAILABLE,
            "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
        ),
        (["error"], Code.DBUS_SERVICE, "error from service: CheckAuthorization: out of order"),
    ],
)
async def test_polkit_keeps_one_out(
    stranger: WireClient, authority: Authority, answer: list[Any], code: Code, message: str
) -> None:
    authority.answer = answer
    error = await stranger.refused("AUTH_POLKIT")
    assert (error.code, error.message) == (code, message)
    assert (await stranger.refused("CONNECT_GET_URI")).message == "authentication required"
