# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time of a make-believe host.  It may run faster than ours, stand still, and be moved forward."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Clock:
    """What happens later, and when; `speed` of its seconds pass in one of ours, 0: it is only moved by `advance`."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._base = time.time()
        self._since = time.monotonic()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Seconds since 1970, on this host."""
        return self._base + (time.monotonic() - self._since) * self.speed

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Do something after so many of this host's seconds; the result takes that back."""
        entry = (self.now() + seconds, next(self._order), action)
        heapq.heappush(self._due, entry)
        self._set_timer()
        return lambda: self._forget(entry)

    async def sleep(self, seconds: float) -> None:
        """Return after so many of this host's seconds."""
        awake = asyncio.get_running_loop().create_future()
        cancel = self.later(seconds, lambda: None if awake.done() else awake.set_result(None))
        try:
            await awake
        finally:
            cancel()

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds: what is due by then happens now, in its order."""
        self._base += seconds
        self._run()

    def close(self) -> None:
        """Nothing happens any more."""
        self._due.clear()
        self._set_timer()

    def _forget(self, entry: tuple[float, int, Callable[[], None]]) -> None:
        if entry in self._due:
            self._due.remove(entry)
            heapq.heapify(self._due)
            self._set_timer()

    def _run(self) -> None:
        while self._due and self._due[0][0] <= self.now():
            action = heapq.heappop(self._due)[2]
            try:
                action()
            except Exception:
                log.exception("what was due on a make-believe host went wrong")
        self._set_timer()

    def _set_timer(self) -> None:
        """Wake up for what is due first."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due and self.speed:
            wait = max(0.0, (self._due[0][0] - self.now()) / self.speed)
            self._timer = asyncio.get_running_loop().call_later(wait, self._run)
