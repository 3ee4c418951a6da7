# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sending the host to sleep, to be woken by its clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from virtd.enums import NodeSuspendTarget as Target
from virtd.errors import ArgumentError, Code, From, VirtError
from virtd.host.node import read_text
from virtd.tasks import TaskOwner
from virtd.threads import in_thread

#: Seconds that the caller has to hear the answer before the host sleeps, and the shortest sleep.
ANSWER_SECONDS = 10.0
SHORTEST_SLEEP = 60


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to sleep: libvirt's name of it, the kernel's states that it needs, what is written where."""

    name: str
    needs: tuple[str, ...]
    writes: tuple[tuple[str, str], ...]


_WAYS = {
    Target.MEM: _Way("Suspend-to-RAM", ("mem",), (("state", "mem"),)),
    Target.DISK: _Way("Suspend-to-Disk", ("disk",), (("disk", "platform"), ("state", "disk"))),
    Target.HYBRID: _Way("Hybrid-Suspend", ("mem", "disk"), (("disk", "suspend"), ("state", "disk"))),
}


class HostSuspendApi:
    """virNodeSuspendForDuration; part of a driver.  The folders are the kernel's."""

    def __init__(
        self, tasks: TaskOwner, power: Path = Path("/sys/power"), clock: Path = Path("/sys/class/rtc/rtc0")
    ) -> None:
        self._tasks = tasks
        self._power = power
        self._clock = clock
        self._sleep: asyncio.Task[None] | None = None

    async def node_suspend_for_duration(self, target: int, duration: int, flags: int) -> None:
        """virNodeSuspendForDuration; `duration` in seconds."""
        if flags:
            text = f"unsupported flags (0x{flags:x}) in function virNodeSuspend"
            raise ArgumentError("virNodeSuspend", "flags", text, source=From.NONE)
        way = _WAYS.get(target)
        if way is None:
            raise VirtError(Code.INVALID_ARG, "Invalid suspend target", source=From.NONE)
        if not set(way.needs) <= set((read_text(self._power / "state") or "").split()):
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, way.name, source=From.NONE)
        if duration < SHORTEST_SLEEP:
            raise VirtError(Code.INVALID_ARG, "Suspend duration is too short", source=From.NONE)
        if self._sleep is not None and not self._sleep.done():
            raise VirtError(Code.OPERATION_INVALID, "Suspend operation already in progress", source=From.NONE)
        await in_thread(self._set_alarm, duration)
        self._sleep = self._tasks.spawn(self._fall_asleep(way), "suspend")

    def _set_alarm(self, duration: int) -> None:
        try:
            (self._clock / "wakealarm").write_text("0")
            (self._clock / "wakealarm").write_text(f"+{duration}")
        except OSError as error:
            text = f"Unable to set the alarm that wakes the host: {error.strerror}"
            raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE, ints=(error.errno or 0, -1)) from error

    async def _fall_asleep(self, way: _Way) -> None:
        await asyncio.sleep(ANSWER_SECONDS)
        for name, word in way.writes:
            await in_thread((self._power / name).write_text, word)
