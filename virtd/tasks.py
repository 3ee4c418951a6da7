# SPDX-License-Identifier: LGPL-2.1-or-later
"""Owned tasks: whoever starts one keeps it, hears of its failure and ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from virtd.errors import VirtError

log = logging.getLogger(__name__)


class TaskOwner:
    """The tasks of one object (daemon, client, guest, job).  The only place that calls `create_task`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` until it ends or the owner closes.

        Raises:
            RuntimeError: the owner is closed; `work` is closed unrun.
        """
        if self._closed:
            work.close()
            raise RuntimeError(f"{self.name} is closed")
        task = asyncio.get_running_loop().create_task(work, name=f"{self.name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # One of the API's errors says itself what went wrong; of any other it matters where.
            log.error(
                "task %r failed: %s", task.get_name(), error, exc_info=None if isinstance(error, VirtError) else error
            )

    async def close(self) -> None:
        """Cancel what still runs and wait for it; a task may close its own owner."""
        self._closed = True
        tasks = [t for t in self._tasks if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
