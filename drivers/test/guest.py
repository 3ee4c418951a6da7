# SPDX-License-Identifier: LGPL-2.1-or-later
"""A make-believe guest, and how it goes from one state to another."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING

from conf.checkpoint import Checkpoint
from conf.domain import Domain
from conf.snapshot import Snapshot
from drivers.common.guest import ManagedGuest
from drivers.common.moments import Moments
from drivers.test.work import BlockJob, Limits, Saved, Work
from virtd.enums import (
    DomainEventID,
    DomainEventResumedDetailType,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainEventSuspendedDetailType,
    DomainEventType,
    DomainPausedReason,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
)
from virtd.errors import Code, From, VirtError
from virtd.params import TypedParam

if TYPE_CHECKING:
    from drivers.test.world import World

#: Seconds since 1970 in every guest, until somebody sets its clock.
GUEST_TIME = 627319920


class TestGuest(ManagedGuest):
    """A domain in memory.

    Beside its definitions it has what no definition says: some of it is there as long as the guest (below `kept`),
    the rest while it runs.
    """

    def __init__(self, world: World, definition: Domain) -> None:
        super().__init__(world.events, definition)
        self.world = world
        self._started = 0.0
        # kept
        self.saved: Saved | None = None
        self.snapshots: Moments[Snapshot] = Moments("snapshot", Code.NO_DOMAIN_SNAPSHOT)
        self.checkpoints: Moments[Checkpoint] = Moments("checkpoint", Code.NO_DOMAIN_CHECKPOINT)
        self.weight = 50
        self.disk_sizes: dict[str, int] = {}
        self.ssh_keys: dict[str, list[str]] = {}
        self.migration = Limits()
        self.completed_job: list[TypedParam] | None = None
        self._forget_run()

    def _forget_run(self) -> None:
        """What ends with a run: frozen file systems, offline CPUs, how I/O threads poll, jobs."""
        self.time = GUEST_TIME, 0
        self.frozen: set[str] = set()
        self.offline: set[int] = set()
        self.polling: dict[int, dict[str, int]] = {}
        self.work = Work(self.world.clock)
        self.block_jobs: dict[str, BlockJob] = {}
        self.give_up: Callable[[], None] | None = None

    @property
    def has_managed_save(self) -> bool:
        """Whether it goes on where it was when it is started."""
        return self.saved is not None

    @property
    def has_snapshots(self) -> bool:
        return len(self.snapshots) > 0

    @property
    def has_checkpoints(self) -> bool:
        return len(self.checkpoints) > 0

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return self.world.clock.now() - self._started if self.active else 0.0

    @property
    def cpu_time(self) -> int:
        """Nanoseconds; a make-believe guest uses one CPU fully while it is active."""
        return int(self.seconds * 1e9)

    # -- beginning

    def boot(self, definition: Domain, *, paused: bool = False) -> None:
        """Run a copy of `definition`."""
        details = DomainEventStartedDetailType
        self.enter(definition, DomainRunningReason.BOOTED, details.BOOTED, paused=paused)

    def enter(self, definition: Domain, reason: int, event_detail: int, *, paused: bool = False) -> None:
        """Run a copy of `definition`, for a `DomainRunningReason`."""
        self.live = deepcopy(definition)
        self._forget_run()
        self.world.guests.claim_id(self, self.world.guests.next_id())
        self.live.id = self.id
        self._started = self.world.clock.now()
        self.set_state(DomainState.RUNNING, reason)
        self.emit_lifecycle(DomainEventType.STARTED, event_detail)
        if paused:
            self.pause()

    def refuse_busy(self, disk: str | None) -> None:
        """Raise OPERATION_UNSUPPORTED if a job is going on on a disk."""
        if disk in self.block_jobs:
            text = f"disk '{disk}' already in active block job"
            raise VirtError(Code.OPERATION_UNSUPPORTED, text, source=From.DOMAIN)

    def give_up_jobs(self) -> None:
        """What is under way comes to nothing."""
        if self.give_up is not None:
            self.give_up()
        self.work.close()
        self.block_jobs.clear()

    # -- while it runs

    def pause(
        self,
        reason: int = DomainPausedReason.USER,
        event_detail: int = DomainEventSuspendedDetailType.PAUSED,
    ) -> None:
        """Stop the virtual CPUs; nothing happens to a guest that is paused."""
        if self.state != DomainState.PAUSED:
            self.set_state(DomainState.PAUSED, reason)
            self.emit_lifecycle(DomainEventType.SUSPENDED, event_detail)

    def resume(self) -> None:
        """Let the virtual CPUs go on."""
        self.set_state(DomainState.RUNNING, DomainRunningReason.UNPAUSED)
        self.emit_lifecycle(DomainEventType.RESUMED, DomainEventResumedDetailType.UNPAUSED)

    def shut_down(self) -> None:
        """The guest powers itself off; `<on_poweroff>restart` makes a reboot of it."""
        self._power_cycle(self.require_active().on_poweroff)

    def reboot(self) -> None:
        """The guest reboots; `<on_reboot>destroy` makes a shutdown of it."""
        self._power_cycle(self.require_active().on_reboot)

    def crash(self) -> None:
        """The guest's system dies; `<on_crash>` says what becomes of it."""
        action = self.require_active().on_crash
        if action.endswith("restart"):
            self._power_cycle("restart")
        elif action == "preserve":
            self.set_state(DomainState.CRASHED, 0)
            self.emit_lifecycle(DomainEventType.CRASHED, 0)
        else:
            self.end(DomainShutoffReason.CRASHED, DomainEventStoppedDetailType.CRASHED)

    def _power_cycle(self, action: str) -> None:
        if action in ("restart", "rename-restart"):
            self.set_state(DomainState.RUNNING, DomainRunningReason.BOOTED)
            self.emit(DomainEventID.REBOOT)
        else:
            self.end(DomainShutoffReason.SHUTDOWN, DomainEventStoppedDetailType.SHUTDOWN)

    # -- the end

    def destroy(self) -> None:
        """Somebody pulls the plug."""
        self.end(DomainShutoffReason.DESTROYED, DomainEventStoppedDetailType.DESTROYED)

    def end(self, reason: int, event_detail: int) -> None:
        """The guest is off, for a `DomainShutoffReason`; a transient one is gone."""
        self.give_up_jobs()
        self.live = None
        self.set_state(DomainState.SHUTOFF, reason)
        self.emit_lifecycle(DomainEventType.STOPPED, event_detail)
        self.world.guests.release_id(self)
        if self.persistent is None:
            self.world.guests.remove(self)
