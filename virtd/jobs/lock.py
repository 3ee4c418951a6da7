# SPDX-License-Identifier: LGPL-2.1-or-later
"""The job lock of a domain: who may change it now, who waits, and for how long.

A short job excludes every other short job.  A long one ("async": save, dump, migration …) excludes
other long ones for its whole duration, but lets those short jobs through that it can live with; its
own steps take short jobs like anybody else, as `NESTED`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from virtd.calls import current_call
from virtd.errors import Code, VirtError

#: Seconds a call waits for its turn, as libvirt has it.
WAIT_SECONDS = 30.0


class JobKind(StrEnum):
    """What a short job does with the object; the value is libvirt's name in messages and state files."""

    QUERY = "query"
    DESTROY = "destroy"
    SUSPEND = "suspend"
    MODIFY = "modify"
    ABORT = "abort"
    NESTED = "async nested"


#: What may go on beside a long job that says nothing else.
BESIDE_ASYNC = frozenset({JobKind.QUERY, JobKind.DESTROY, JobKind.ABORT})


@dataclass(slots=True)
class AsyncJob:
    """A long job: `operation` is a `virDomainJobOperation`, `allowed` the kinds that may run beside it."""

    operation: int
    holder: str
    allowed: frozenset[JobKind]


@dataclass(slots=True, eq=False)
class _Waiter:
    """A call in the queue; `kind` None asks for the long job."""

    kind: JobKind | None
    turn: asyncio.Future[None]


class JobLock:
    """Serialises the jobs of one object, first come, first served."""

    def __init__(self, max_queued: int = 0) -> None:
        """`max_queued`: how many calls may wait at once; 0 is no limit."""
        self.max_queued = max_queued
        self.kind: JobKind | None = None
        self.holder: str | None = None
        self.async_job: AsyncJob | None = None
        self._busy = False
        self._async_taken = False
        self._waiting: deque[_Waiter] = deque()

    @asynccontextmanager
    async def hold(self, kind: JobKind | str, *, wait: float = WAIT_SECONDS) -> AsyncIterator[None]:
        """Run the body as the object's only short job.

        Raises:
            VirtError: OPERATION_TIMEOUT when the turn did not come in `wait` seconds, OPERATION_FAILED
                when too many wait already.
        """
        kind = JobKind(kind)
        await self._acquire(kind, wait)
        self.kind, self.holder = kind, _caller()
        try:
            yield
        finally:
            self.kind = self.holder = None
            self._release(kind)

    @asynccontextmanager
    async def hold_async(
        self, operation: int, *, allowed: frozenset[JobKind] = BESIDE_ASYNC, wait: float = WAIT_SECONDS
    ) -> AsyncIterator[AsyncJob]:
        """Run the body as the object's only long job.  Raises as `hold` does."""
        await self._acquire(None, wait)
        job = self.async_job = AsyncJob(operation, _caller(), allowed | {JobKind.NESTED})
        self._grant()
        try:
            yield job
        finally:
            self.async_job = None
            self._release(None)

    def _free(self, kind: JobKind | None) -> bool:
        if kind is None:
            return not self._busy and not self._async_taken
        if self._async_taken:
            return not self._busy and self.async_job is not None and kind in self.async_job.allowed
        return not self._busy

    def _take(self, kind: JobKind | None) -> None:
        if kind is None:
            self._async_taken = True
        else:
            self._busy = True

    def _release(self, kind: JobKind | None) -> None:
        if kind is None:
            self._async_taken = False
        else:
            self._busy = False
        self._grant()

    def _grant(self) -> None:
        """Give what is free to those who wait, in the order of arrival."""
        for waiter in tuple(self._waiting):
            if self._free(waiter.kind) and not waiter.turn.done():
                self._take(waiter.kind)
                self._waiting.remove(waiter)
                waiter.turn.set_result(None)

    async def _acquire(self, kind: JobKind | None, wait: float) -> None:
        if self._free(kind):
            self._take(kind)
            return
        if self.max_queued and len(self._waiting) >= self.max_queued:
            raise VirtError(Code.OPERATION_FAILED, "cannot acquire state change lock due to max_queued limit")
        waiter = _Waiter(kind, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(wait):
                await waiter.turn
        except BaseException as error:
            self._leave(waiter)
            if isinstance(error, TimeoutError):
                raise VirtError(Code.OPERATION_TIMEOUT, self._blocked()) from None
            raise

    def _leave(self, waiter: _Waiter) -> None:
        """A waiter gives up; what it was given at the same moment goes to the next."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif waiter.turn.done() and not waiter.turn.cancelled():
            self._release(waiter.kind)

    def _blocked(self) -> str:
        holder = self.holder or (self.async_job.holder if self.async_job else None)
        return "cannot acquire state change lock" + (f" (held by monitor={holder})" if holder else "")


def _caller() -> str:
    """The call that takes the job, named as libvirt's log names it."""
    call = current_call.get(None)
    return f"remoteDispatch{call.api.removeprefix('vir')}" if call else "virtd"
