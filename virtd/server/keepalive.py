# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keepalive program: answers pings, and sends its own to a client that speaks it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from virtd.wire.message import KEEPALIVE_PING, KEEPALIVE_PONG, KEEPALIVE_PROGRAM, KEEPALIVE_VERSION, Header, keepalive


class Line(Protocol):
    """The channel, as far as keepalive goes."""

    @property
    def reading(self) -> bool:
        """Whether what the peer sends is being received."""

    def send(self, data: bytes) -> None:
        """Send a message."""


class KeepAlive:
    """Pings after `interval` seconds of silence; calls `dead` after `count` pings without any answer.

    While the server itself does not read, because the client has sent more than is worked off, silence
    proves nothing: pings still go out, since they keep the client from giving up, and none is counted.
    """

    def __init__(self, line: Line, interval: int, count: int, dead: Callable[[], None]) -> None:
        self._line = line
        self._interval = interval
        self._count = count
        self._dead = dead
        self._unanswered = 0
        self._timer: asyncio.TimerHandle | None = None
        self._last_heard = 0.0
        self._loop = asyncio.get_running_loop()

    def heard(self) -> None:
        """Some message came."""
        self._last_heard = self._loop.time()
        self._unanswered = 0

    def message(self, header: Header) -> None:
        """A message came that is no call; those of other programs mean nothing."""
        if header[:3] == (KEEPALIVE_PROGRAM, KEEPALIVE_VERSION, KEEPALIVE_PING):
            self._line.send(keepalive(KEEPALIVE_PONG))

    def start(self) -> None:
        """The client speaks keepalive: watch it.  An interval of 0 or less means never."""
        if self._timer is None and self._interval > 0:
            self.heard()
            self._arm(self._last_heard + self._interval)

    def stop(self) -> None:
        """Watch no more."""
        if self._timer:
            self._timer.cancel()

    def _arm(self, when: float) -> None:
        self._timer = self._loop.call_at(when, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        due = self._last_heard + self._interval * (self._unanswered + 1)
        if now < due and self._line.reading:
            self._arm(due)
        elif self._unanswered >= self._count:
            self._dead()
        else:
            self._unanswered += self._line.reading
            self._line.send(keepalive(KEEPALIVE_PING))
            self._arm(now + self._interval)
