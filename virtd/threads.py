# SPDX-License-Identifier: LGPL-2.1-or-later
"""Blocking work beside the event loop: files, images, the kernel's tables.

`asyncio.to_thread` does the same through some fifty functions a call, between two kinds of futures with locks
and callbacks of their own.  That was a tenth of the time of a call which does nothing but write a small file.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

#: Threads at most; further work waits.  Each may be held by a file system that does not answer.
LIMIT = 64
#: Seconds that the end of the process waits for work under way.
PATIENCE = 3.0

_Inbox = SimpleQueue["_Work | None"]


def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
    """Call a function that blocks in a thread; await what it returns or raises.

    Who is cancelled stops waiting; the function goes on to its end.  It does not know the context (`current_call`).
    """
    work = _Work(asyncio.get_running_loop(), partial(function, *args, **kwargs))
    _crew.do(work)
    return work.future


class _Work:
    """A call to make, and who waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], Any]) -> None:
        self.future: asyncio.Future[Any] = loop.create_future()
        self._loop = loop
        self._call = call

    def run(self) -> None:
        try:
            outcome = self._call()
        except BaseException as error:
            self._tell(self.future.set_exception, error)
            del self  # the error knows this frame, and the future the error: that would be a cycle
        else:
            self._tell(self.future.set_result, outcome)

    def _tell(self, settle: Callable[[Any], None], outcome: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._settle, settle, outcome)

    def _settle(self, settle: Callable[[Any], None], outcome: object) -> None:
        if not self.future.done():
            settle(outcome)


class _Crew:
    """Threads that wait for work, each at an inbox of its own; who became idle last is asked first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Inbox] = []
        self._backlog: deque[_Work] = deque()
        self._threads: dict[threading.Thread, _Inbox] = {}

    def do(self, work: _Work) -> None:
        """Have one of them do it, if need be a new one."""
        with self._lock:
            if self._idle:
                inbox = self._idle.pop()
            elif len(self._threads) < LIMIT:
                inbox = self._hire()
            else:
                self._backlog.append(work)
                return
        inbox.put(work)

    def _hire(self) -> _Inbox:
        inbox: _Inbox = SimpleQueue()
        thread = threading.Thread(target=self._serve, args=(inbox,), name=f"worker {len(self._threads)}", daemon=True)
        self._threads[thread] = inbox
        thread.start()
        return inbox

    def _serve(self, inbox: _Inbox) -> None:
        while (work := inbox.get()) is not None:
            while work is not None:
                work.run()
                work = self._next(inbox)

    def _next(self, inbox: _Inbox) -> _Work | None:
        with self._lock:
            if self._backlog:
                return self._backlog.popleft()
            self._idle.append(inbox)
            return None

    def dismiss(self) -> None:
        """At the end of the process: let work under way come to its end."""
        deadline = time.monotonic() + PATIENCE
        for inbox in self._threads.values():
            inbox.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))


_crew = _Crew()
atexit.register(_crew.dismiss)
