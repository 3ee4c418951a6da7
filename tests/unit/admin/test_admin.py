# SPDX-License-Identifier: LGPL-2.1-or-later
"""The admin program, through its own socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.client import WireClient
from tests.fakes.driver import DOMAIN
from tests.fakes.house import House, until
from virtd.admin.session import AdminSession
from virtd.errors import Code, From, VirtError
from virtd.host.logs import Logs
from virtd.idle import IdleTimer
from virtd.params import TypedParam
from virtd.server.server import Server
from virtd.server.service import Limits, Service
from virtd.wire.programs import ADMIN, REMOTE


class FakeDaemon:
    """A house with an admin's door."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.logs = Logs(3, "", f"3:file:{folder}/log")
        self.expired = asyncio.Event()
        self.idle = IdleTimer(lambda: False, self.expired.set, 0)
        self.service = Service(folder / "admin-sock", 0o700)
        admin = Server("admin", Limits(max_anonymous_clients=0), lambda client: AdminSession(client, self))
        admin.listen(self.service)
        self.servers = {"libvirtd": house.server, "admin": admin}

    async def close(self) -> None:
        self.idle.stop()
        self.logs.close()
        await self.servers["admin"].close()
        await self.house.close()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[FakeDaemon]:
    daemon = FakeDaemon(House(tmp_path), tmp_path)
    yield daemon
    await daemon.close()


class Admin:
    """A client of the admin program."""

    def __init__(self, wire: WireClient) -> None:
        self.wire = wire

    async def __call__(self, name: str, *args: object) -> Any:
        return await self.wire.call(name, *args, program=ADMIN)

    async def refused(self, name: str, *args: object) -> VirtError:
        return await self.wire.refused(name, *args, program=ADMIN)

    async def params(self, name: str, *args: object) -> dict[str, object]:
        return {param.field: param.value for param in await self(name, *args)}


@pytest.fixture
async def admin(daemon: FakeDaemon) -> AsyncIterator[Admin]:
    async with WireClient.connect(daemon.service.path) as wire:
        yield Admin(wire)


SERVER = ("libvirtd",)


async def test_servers(admin: Admin) -> None:
    await admin("CONNECT_OPEN", 0)
    assert await admin("CONNECT_GET_LIB_VERSION") == 9_000_000
    servers, count = await admin("CONNECT_LIST_SERVERS", 1, 0)
    assert ([server.name for server in servers], count) == (["admin", "libvirtd"], 2)
    assert await admin("CONNECT_LIST_SERVERS", 0, 0) == ([], 2)
    assert (await admin("CONNECT_LOOKUP_SERVER", "admin", 0)).name == "admin"
    error = await admin.refused("CONNECT_LOOKUP_SERVER", "x", 0)
    assert (error.code, error.source) == (Code.NO_SERVER, From.RPC)
    assert error.message == "Server not found: No server named 'x'"
    await admin("CONNECT_CLOSE")
    await asyncio.wait_for(admin.wire.closed.wait(), 5)


async def test_flags_are_refused_in_the_admin_program_s_name(admin: Admin) -> None:
    error = await admin.refused("CONNECT_LIST_SERVERS", 1, 1)
    assert (error.code, error.source) == (Code.INVALID_ARG, From.ADMIN)


async def test_other_programs_are_not_here(admin: Admin) -> None:
    error = await admin.wire.refused("CONNECT_OPEN", "fake:///here", 0, program=REMOTE)
    assert error.message == "Cannot find program 536903814 version 1"


async def test_clients(admin: Admin, daemon: FakeDaemon) -> None:
    client = await daemon.house.open(flags=1)
    (ref,), count = await admin("SERVER_LIST_CLIENTS", SERVER, 1, 0)
    assert (ref.id, ref.transport, count) == (1, 0, 1)
    assert await admin("SERVER_LIST_CLIENTS", SERVER, 0, 0) == ([], 1)
    assert await admin("SERVER_LOOKUP_CLIENT", SERVER, 1, 0) == ref
    info = await admin.params("CLIENT_GET_INFO", ref, 0)
    assert (info["readonly"], info["unix_user_id"], info["unix_process_id"]) == (1, os.getuid(), os.getpid())
    await admin("CLIENT_CLOSE", ref, 0)
    await asyncio.wait_for(client.closed.wait(), 5)
    error = await admin.refused("CLIENT_CLOSE", ref._replace(id=99), 0)
    assert (error.code, error.message) == (Code.NO_CLIENT, "Client not found: No client with matching ID '99'")


async def test_limits(admin: Admin, daemon: FakeDaemon) -> None:
    stranger = daemon.house.connect()
    await until(lambda: daemon.house.server.clients)
    assert await admin.params("SERVER_GET_CLIENT_LIMITS", SERVER, 0) == {
        "nclients_max": 5000,
        "nclients": 1,
        "nclients_unauth_max": 20,
        "nclients_unauth": 1,
    }
    limits = [TypedParam("nclients_max", 2, 2), TypedParam("nclients_unauth_max", 2, 1)]
    await admin("SERVER_SET_CLIENT_LIMITS", SERVER, limits, 0)
    waiting = daemon.house.connect()
    waiting.start("AUTH_LIST")
    await admin("CONNECT_GET_LIB_VERSION")
    assert len(daemon.house.server.clients) == 1  # one that has not authenticated is enough
    await stranger.call("AUTH_LIST")
    await until(lambda: len(daemon.house.server.clients) == 2)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ([TypedParam("nclients_max", 2, 10)], Code.INVALID_ARG),
        ([TypedParam("nclients_unauth_max", 2, 10_000)], Code.INVALID_ARG),
        ([TypedParam("nclients", 2, 10)], Code.ARGUMENT_UNSUPPORTED),
        ([TypedParam("nclients_max", 1, 100)], Code.INVALID_ARG),
    ],
)
async def test_limits_that_are_refused(admin: Admin, daemon: FakeDaemon, params: list[TypedParam], code: Code) -> None:
    assert (await admin.refused("SERVER_SET_CLIENT_LIMITS", SERVER, params, 0)).code == code
    assert daemon.house.limits == Limits()


async def test_there_are_no_threads_but_a_queue(admin: Admin, daemon: FakeDaemon) -> None:
    client = await daemon.house.open()
    for _ in range(8):
        client.start("DOMAIN_CREATE", DOMAIN)
    await until(lambda: len(daemon.house.driver.calls) == 5)
    pool = await admin.params("SERVER_GET_THREADPOOL_PARAMETERS", SERVER, 0)
    assert pool.pop("jobQueueDepth") == 3
    assert set(pool.values()) == {0}
    daemon.house.driver.release.set()
    error = await admin.refused("SERVER_SET_THREADPOOL_PARAMETERS", SERVER, [], 0)
    assert error.code == Code.NO_SUPPORT


async def test_the_log(admin: Admin, tmp_path: Path) -> None:
    assert await admin("CONNECT_GET_LOGGING_FILTERS", 0) == (None, 0)
    await admin("CONNECT_SET_LOGGING_FILTERS", "1:qemu 2:virtd", 0)
    assert await admin("CONNECT_GET_LOGGING_FILTERS", 0) == ("1:*qemu* 2:*virtd*", 2)
    await admin("CONNECT_SET_LOGGING_FILTERS", None, 0)
    await admin("CONNECT_SET_LOGGING_OUTPUTS", f"1:file:{tmp_path}/other", 0)
    assert await admin("CONNECT_GET_LOGGING_OUTPUTS", 0) == (f"1:file:{tmp_path}/other", 1)
    error = await admin.refused("CONNECT_SET_LOGGING_FILTERS", "x", 0)
    assert (error.source, error.message) == (From.NONE, "invalid argument: Malformed format for filter 'x'")


async def test_the_idle_timeout(admin: Admin, daemon: FakeDaemon) -> None:
    await admin("CONNECT_SET_DAEMON_TIMEOUT", 1, 0)
    await admin("CONNECT_SET_DAEMON_TIMEOUT", 0, 0)
    await asyncio.sleep(1.1)
    assert not daemon.expired.is_set()
    await admin("CONNECT_SET_DAEMON_TIMEOUT", 1, 0)
    await asyncio.wait_for(daemon.expired.wait(), 5)


async def test_no_tls(admin: Admin) -> None:
    error = await admin.refused("SERVER_UPDATE_TLS_FILES", SERVER, 0)
    assert error.message == "internal error: no tls service found, unable to update tls files"
