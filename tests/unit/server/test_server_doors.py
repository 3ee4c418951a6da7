# SPDX-License-Identifier: LGPL-2.1-or-later
"""Listening sockets: their files, who is left waiting outside, and what is inherited."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from tests.fakes.house import House, until
from virtd.server.listener import bind
from virtd.server.service import Service


def test_a_socket_has_its_permissions(tmp_path: Path) -> None:
    service = Service(tmp_path / "run/sock", 0o750, group=os.getgid())
    with bind(service, 5):
        status = service.path.stat()
        assert stat.S_IMODE(status.st_mode) == 0o750
        assert status.st_gid == os.getgid()


def test_a_socket_of_the_dead_is_replaced_and_one_of_the_living_is_not(tmp_path: Path) -> None:
    service = Service(tmp_path / "sock", 0o700)
    bind(service, 5).close()
    with bind(service, 5):
        with pytest.raises(OSError) as raised:
            bind(service, 5)
        assert raised.value.errno == errno.EADDRINUSE


async def test_no_more_than_max_clients_come_in(house: House) -> None:
    house.limits.max_clients = 3
    first = await house.open()
    for _ in range(2):
        await house.open()
    waiting = house.connect()
    reply = waiting.start("AUTH_LIST")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(reply), 0.05)
    first.close()
    await waiting.finish(reply)
    assert len(house.server.clients) == 3


async def test_an_inherited_socket_is_served_and_its_file_stays(house: House, tmp_path: Path) -> None:
    service = Service(tmp_path / "inherited", 0o700)
    house.server.listen(service, bind(service, 5))
    client = await house.open(service)
    assert await client.call("CONNECT_GET_HOSTNAME") == "host"
    await house.server.close()
    assert service.path.exists()
    assert not house.service.path.exists()


async def test_out_of_descriptors_and_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtd.server.listener.NO_DESCRIPTORS_PAUSE", 0.01)
    listener = house.server._listeners[0]
    accept, failures = listener._sock.accept, iter([1, 1])

    class Poor:
        """A socket in a process that has reached its limit."""

        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def accept(self) -> object:
            if next(failures, 0):
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return accept()

    real = listener._sock
    monkeypatch.setattr(listener, "_sock", Poor())
    client = await house.open()
    assert await client.call("CONNECT_GET_HOSTNAME") == "host"


async def test_one_that_knocks_and_runs(house: House) -> None:
    for _ in range(50):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(house.service.path))
    await until(lambda: not house.server.clients)
    client = await house.open()
    assert await client.call("CONNECT_GET_HOSTNAME") == "host"
