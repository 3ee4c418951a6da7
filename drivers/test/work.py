# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes on with a guest beside its definitions: jobs of its own and of its disks, by the host's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conf.domain import Domain
from drivers.common.images.jobkinds import JobKind
from drivers.test.clock import Clock


@dataclass(eq=False)
class Progress:
    """Something that gets from 0 to `end` in `seconds` of the host's time, and what happens then."""

    clock: Clock
    end: int
    seconds: float
    done: Callable[[], None]
    _from: int = 0
    _since: float = field(init=False)
    _cancel: Callable[[], None] = field(init=False)

    def __post_init__(self) -> None:
        self._since = self.clock.now()
        self._cancel = self.clock.later(self.seconds, self.done)

    @property
    def current(self) -> int:
        """How far it has got."""
        passed = (self.clock.now() - self._since) / self.seconds if self.seconds else 1.0
        return min(self.end, self._from + int((self.end - self._from) * passed))

    @property
    def elapsed(self) -> float:
        """Seconds since it began or was last changed."""
        return self.clock.now() - self._since

    def reschedule(self, seconds: float) -> None:
        """The rest takes so many seconds from now on."""
        self._cancel()
        self._from, self._since, self.seconds = self.current, self.clock.now(), seconds
        self._cancel = self.clock.later(seconds, self.done)

    def stop(self) -> None:
        """It goes no further."""
        self._cancel()


class Work:
    """What is under way in a guest, by disk; under None its own job."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.progress: dict[str | None, Progress] = {}

    def begin(self, what: str | None, end: int, seconds: float, done: Callable[[], None]) -> Progress:
        """Something begins; it is forgotten by `finish`."""
        self.progress[what] = Progress(self.clock, end, seconds, done)
        return self.progress[what]

    def finish(self, what: str | None) -> None:
        """It is over, or is given up."""
        if progress := self.progress.pop(what, None):
            progress.stop()

    def close(self) -> None:
        """The guest ends, and with it all that is under way."""
        for what in list(self.progress):
            self.finish(what)


@dataclass(slots=True)
class BlockJob:
    """A job on a disk; `speed` in bytes a second, 0 is no limit.

    `top` and `base` are numbers of images, for merges.  A copy and an active commit become ready and then wait.
    """

    kind: JobKind
    speed: int
    top: int = 0
    base: int | None = None
    ready: bool = False


#: MiB/s of a migration that nobody limits.
UNLIMITED = (2**63 - 1) >> 20


@dataclass(slots=True)
class Limits:
    """What a guest's migration may use: MiB/s, milliseconds of downtime, bytes of cache."""

    speed: int = UNLIMITED
    downtime: int = 300
    cache: int = 64 << 20


@dataclass(slots=True)
class Saved:
    """A guest that was saved: what ran, and whether it is paused when it comes back."""

    definition: Domain
    paused: bool = False
