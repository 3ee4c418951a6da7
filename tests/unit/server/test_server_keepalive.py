# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pings of the server, on a clock that the test turns."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.house import House
from virtd.server.keepalive import KeepAlive
from virtd.wire.message import KEEPALIVE_PING, KEEPALIVE_PONG, keepalive


class Line:
    """A channel that notes what is sent."""

    def __init__(self) -> None:
        self.reading = True
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)


class Clock:
    """A loop's clock, and the one timer that is set on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, object]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: object) -> asyncio.TimerHandle:
        self.timers.append((when, callback))
        return asyncio.TimerHandle(when, lambda: None, (), asyncio.get_running_loop())

    def run_until(self, now: float) -> None:
        while self.timers and self.timers[0][0] <= now:
            self.now, callback = self.timers.pop(0)
            assert callable(callback)
            callback()
        self.now = now


class Watched:
    """A keepalive of 5 seconds and 3 pings."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, interval: int = 5, count: int = 3) -> None:
        self.line, self.clock, self.deaths = Line(), Clock(), 0
        self.keepalive = KeepAlive(self.line, interval, count, self.die)
        monkeypatch.setattr(self.keepalive, "_loop", self.clock)

    def die(self) -> None:
        self.deaths += 1


async def test_silence_ends_in_death(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.keepalive.start()
    watched.clock.run_until(104)
    assert watched.line.sent == []
    watched.clock.run_until(116)
    assert watched.line.sent == [keepalive(KEEPALIVE_PING)] * 3
    assert watched.deaths == 0
    watched.clock.run_until(120)
    assert watched.deaths == 1


async def test_whatever_is_heard_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.keepalive.start()
    for now in range(104, 1000, 4):
        watched.clock.run_until(now)
        watched.keepalive.heard()
    assert watched.line.sent == []
    watched.clock.run_until(1011)
    watched.keepalive.heard()  # the answer to a ping
    watched.clock.run_until(1025)
    assert watched.deaths == 0


async def test_while_the_server_does_not_read_nobody_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.keepalive.start()
    watched.line.reading = False
    watched.clock.run_until(200)
    assert watched.deaths == 0
    assert len(watched.line.sent) == 20
    watched.line.reading = True
    watched.clock.run_until(230)
    assert watched.deaths == 1


@pytest.mark.parametrize("interval", [0, -1])
async def test_no_interval_no_pings(monkeypatch: pytest.MonkeyPatch, interval: int) -> None:
    watched = Watched(monkeypatch, interval)
    watched.keepalive.start()
    assert watched.clock.timers == []


async def test_a_client_that_does_not_answer_is_hung_up_on(house: House) -> None:
    house.limits.keepalive_interval = 1
    house.limits.keepalive_count = 1
    client = await house.open()
    client.answer_pings = False
    await client.call("CONNECT_SUPPORTS_FEATURE", 10)
    await asyncio.wait_for(client.closed.wait(), 5)
    assert client.pings == 1


async def test_pings_are_answered_before_authentication(house: House) -> None:
    client = house.connect()
    client.ping()
    client.sock.sendall(keepalive(KEEPALIVE_PONG))
    await asyncio.sleep(0.02)
    assert client.pongs == 1
