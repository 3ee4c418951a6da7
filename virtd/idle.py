# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ends a daemon that nobody needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class IdleTimer:
    """Calls `expired` after `timeout` seconds in which nothing was in use; a timeout of 0 means never.

    `restart` begins the wait anew.  What comes and goes without a word to this timer, such as guests,
    is seen when the wait is over: if `in_use` says so, another wait begins.
    """

    def __init__(self, in_use: Callable[[], bool], expired: Callable[[], None], timeout: int) -> None:
        self._in_use = in_use
        self._expired = expired
        self._timeout = timeout
        self._timer: asyncio.TimerHandle | None = None

    def set_timeout(self, seconds: int) -> None:
        """Another timeout from now on."""
        self._timeout = seconds
        self.restart()

    def restart(self) -> None:
        """Something happened."""
        self.stop()
        if self._timeout > 0:
            self._timer = asyncio.get_running_loop().call_later(self._timeout, self._check)

    def stop(self) -> None:
        """Wait for nothing."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        if self._in_use():
            self.restart()
        else:
            self._expired()
