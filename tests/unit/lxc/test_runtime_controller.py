# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's talk with a controller, played by the test; and the nursery that controllers come from."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from drivers.lxc.controller.messages import Lines, line
from drivers.lxc.runstate import End
from drivers.lxc.runtime.controller import Controller
from drivers.lxc.runtime.nursery import Nursery
from virtd.errors import Code, VirtError


class Peer:
    """The controller's end of the connection."""

    def __init__(self) -> None:
        ours, self.socket = socket.socketpair()
        self.socket.setblocking(False)
        process = SimpleNamespace(pid=4711, close=lambda: None)
        self.controller = Controller(process, ours)  # type: ignore[arg-type]
        self.ends: list[End] = []

    async def request(self) -> object:
        data = await asyncio.get_running_loop().sock_recv(self.socket, 65536)
        (message,) = Lines().feed(data)
        return message

    def say(self, **message: object) -> None:
        self.socket.sendall(line(message))


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    found = Peer()
    yield found
    found.controller.close()
    found.socket.close()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_requests_are_answered_in_order(peer: Peer):
    first = asyncio.ensure_future(peer.controller.ask("run_level", level="0"))
    second = asyncio.ensure_future(peer.controller.ask("remove_node", path="sda"))
    assert await peer.request() == {"do": "run_level", "level": "0"}
    peer.say(ok=True)
    assert await first is True
    assert await peer.request() == {"do": "remove_node", "path": "sda"}
    peer.say(error=[2, "No such file or directory"])
    with pytest.raises(VirtError, match="No such file") as raised:
        await second
    assert (raised.value.code, raised.value.ints) == (Code.SYSTEM_ERROR, (2, -1))


@pytest.mark.parametrize(("word", "end"), [("shutdown", End.SHUTDOWN), ("reboot", End.REBOOT)])
async def test_an_end_is_told_once(peer: Peer, word: str, end: End):
    peer.controller.on_end(peer.ends.append)
    peer.say(ended=word)
    peer.socket.shutdown(socket.SHUT_WR)
    await settle()
    assert peer.ends == [end]


async def test_a_controller_that_goes_without_a_word_crashed(peer: Peer):
    peer.controller.on_end(peer.ends.append)
    asked = asyncio.ensure_future(peer.controller.ask("run_level", level="0"))
    await peer.request()
    peer.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(VirtError, match="ended unexpectedly"):
        await asked
    assert peer.ends == [End.CRASHED]


async def test_an_end_before_anybody_listens_is_kept(peer: Peer):
    peer.say(ended="shutdown")
    await settle()
    peer.controller.on_end(peer.ends.append)
    assert peer.ends == [End.SHUTDOWN]


async def test_nonsense_ends_the_talk(peer: Peer):
    peer.controller.on_end(peer.ends.append)
    peer.socket.sendall(b"this is no JSON\n")
    await settle()
    assert peer.ends == [End.CRASHED]


async def test_a_controller_that_hangs(peer: Peer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("drivers.lxc.runtime.controller.ANSWER_SECONDS", 0.02)
    with pytest.raises(VirtError, match="does not answer"):
        await peer.controller.ask("run_level", level="0")


async def test_the_nursery_forks_and_is_replaced_when_it_was_killed():
    nursery = Nursery()
    with open(os.devnull, "w") as log:
        try:
            for _ in range(2):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    pid = await nursery.fork(theirs, log.fileno())
                    theirs.close()
                    assert pid > 0
                    ours.shutdown(socket.SHUT_WR)  # no plan: it goes again
                    assert await asyncio.to_thread(ours.recv, 1) == b""
                assert nursery._child is not None
                nursery._child.send_signal(signal.SIGKILL)
        finally:
            nursery.close()
