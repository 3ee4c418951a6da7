# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bringing a container to life, and finding one again that an earlier daemon started."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from conf.domain import Domain
from drivers.common.process import start_ticks
from drivers.lxc.controller.plan import Plan
from drivers.lxc.runstate import End, RunState
from drivers.lxc.runtime import bandwidth, ending, failures, interfaces, limits
from drivers.lxc.runtime.cgroup import Cgroup, Hierarchies
from drivers.lxc.runtime.controller import Controller
from drivers.lxc.runtime.descriptors import Descriptors
from drivers.lxc.runtime.planning import make_plan
from drivers.lxc.runtime.running import freeze
from virtd.errors import Code, VirtError
from virtd.host import machines
from virtd.threads import in_thread

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest

log = logging.getLogger(__name__)


async def start(guest: Guest, *, paused: bool = False, files: Sequence[int] = ()) -> None:
    """Start a container for the guest's live definition; `guest.run` is fresh, the caller holds the job.

    The caller then saves the status, with the state that the guest is in.

    Args:
        paused: leave it frozen.
        files: descriptors for init, which it gets as 3, 4 …; they stay open here.

    Raises:
        VirtError: why it could not be started; nothing is left of it.
    """
    run = _run_of(guest)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(ending.clean_up, guest, run)
        output = _open_log(guest)
        try:
            run.controller = await Controller.spawn(guest.context.nursery, output)
        finally:
            os.close(output)
        run.controller_pid, run.controller_started = run.controller.process.pid, run.controller.process.started
        guest.claim_id(run.controller_pid)
        await _bring_up(guest, run, files)
        if paused:
            await freeze(guest)
        undo.pop_all()
    run.controller.on_end(_end_of(guest, run))


def _run_of(guest: Guest) -> RunState:
    assert guest.run is not None
    return guest.run


async def _bring_up(guest: Guest, run: RunState, files: Sequence[int]) -> None:
    live = guest.require_active()
    group = await _group(guest, run)
    # Before anything is made: until then the controller ends by itself when we do.
    await guest.save_status()
    plan, descriptors = await in_thread(_prepare, guest, group, files)
    try:
        with failures.of_start():
            run.init_pid, veths = await run.controller.start(plan, descriptors.all)
    finally:
        descriptors.close()
    run.init_started = start_ticks(run.init_pid) or 0
    run.veths = [name for name in veths if name]
    interfaces.note_names(live, veths)
    await bandwidth.limit_all(live)


def _prepare(guest: Guest, group: Cgroup | None, files: Sequence[int]) -> tuple[Plan, Descriptors]:
    """What the controller is told, and the control group that it will find."""
    plan, descriptors = make_plan(guest, group, files)
    try:
        if group is not None:
            with failures.of_start():
                _fill(guest.require_active(), group, plan, _run_of(guest).loops)
    except BaseException:
        descriptors.close()
        raise
    return plan, descriptors


async def _group(guest: Guest, run: RunState) -> Cgroup | None:
    """The control group that the controller and all that it starts will be in; None where there can be none."""
    if not guest.context.env.privileged:
        return None
    name = f"lxc-{guest.id}-{guest.name}"
    if machines.systemd_runs():
        await machines.register(name, guest.uuid, run.controller_pid, "container")
        run.cgroup = await in_thread(limits.group_of, run.controller_pid)
    else:
        run.cgroup = limits.group_name(guest.require_active(), name)
    return Cgroup(Hierarchies.find(), run.cgroup)


def _fill(domain: Domain, group: Cgroup, plan: Plan, images: Sequence[str]) -> None:
    """Make the group and set the guest's limits."""
    try:
        group.create()
        limits.apply(domain, group, plan["mounts"], images)
    except OSError as error:
        text = f"Unable to set up the control group {group.name}: {error.filename or ''}: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, ints=(error.errno or 0, -1)) from error


def _open_log(guest: Guest) -> int:
    """Where the controller and init's early words go."""
    if guest.context.settings.log_with_libvirtd:
        return os.dup(2)
    path = guest.context.paths.log_file(guest.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.write(output, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f+0000}: starting up\n".encode())
    return output


def _end_of(guest: Guest, run: RunState) -> Callable[[End], None]:
    """What is done about an end: told, unless somebody began it."""

    def ended(how: End) -> None:
        if guest.run is run and run.stopping is None:
            guest.ended(how)

    return ended


async def reconnect(guest: Guest) -> bool:
    """Find the container that an earlier daemon started; False: it is gone, and `stop` cleans up what is left."""
    run = _run_of(guest)
    if not run.init_pid or start_ticks(run.init_pid) != run.init_started:
        return False
    path = guest.context.paths.socket(guest.name)
    found = Controller.find(run.controller_pid, run.controller_started, path)
    if found is None:
        return False
    run.controller = found
    found.on_end(_end_of(guest, run))
    return True


def let_go(guest: Guest) -> None:
    """The daemon ends; the container goes on without it."""
    if guest.run is not None and guest.run.controller is not None:
        guest.run.controller.close()
        guest.run.controller = None
