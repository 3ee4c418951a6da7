# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ending a container, and cleaning up after one: nothing stays, whatever state it is found in."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.common.process import Process
from drivers.lxc.controller.netlink import Netlink
from drivers.lxc.runstate import RunState
from drivers.lxc.runtime.cgroup import Cgroup, Hierarchies
from virtd.errors import VirtError
from virtd.host import netdev
from virtd.threads import in_thread

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest

log = logging.getLogger(__name__)

#: Seconds that a killed process may take to be gone, and that a controller may take after its container.
KILL_SECONDS = 10.0
LEAVE_SECONDS = 3.0


async def stop(guest: Guest, reason: int) -> None:
    """Kill the container's processes and clean up; also what is left of one that has ended by itself.

    `reason` is the `virDomainShutoffReason`; never fails because something is gone.
    """
    run = guest.run
    if run is None:
        return
    run.stopping = reason
    await clean_up(guest, run)


async def clean_up(guest: Guest, run: RunState) -> None:
    """Kill what runs, then give back what the host lent.  Each step stands alone."""
    await _kill(guest, run)
    if run.controller is not None:
        run.controller.close()
        run.controller = None
    await in_thread(_remove_rest, guest, run)


async def _kill(guest: Guest, run: RunState) -> None:
    """init first: with it the kernel ends all processes of the container; the controller puts back what it took and
    follows by itself."""
    group = Cgroup(Hierarchies.find(), run.cgroup) if run.cgroup else None
    init = _find(run.init_pid, run.init_started)
    controller = _find(run.controller_pid, run.controller_started)
    if init is not None:
        init.send(signal.SIGKILL)
    if group is not None:
        await in_thread(_thaw, group)
    await _see_end(guest, init, patience=0)
    # Without an init it waits for something else.
    await _see_end(guest, controller, patience=LEAVE_SECONDS if run.init_pid else 0)
    if group is not None:
        await in_thread(_kill_others, group)


def _find(pid: int, started: int) -> Process | None:
    return Process.adopt(pid, started) if pid else None


async def _see_end(guest: Guest, process: Process | None, *, patience: float) -> None:
    """See a process end, by itself within `patience` seconds or killed."""
    if process is None:
        return
    if not patience or not await process.wait(patience):
        process.send(signal.SIGKILL)
        if not await process.wait(KILL_SECONDS):
            log.error("guest %s: process %d cannot be killed", guest.name, process.pid)
    process.close()


def _thaw(group: Cgroup) -> None:
    """What stands frozen does not die."""
    with contextlib.suppress(VirtError):
        group.thaw()


def _kill_others(group: Cgroup) -> None:
    """Processes that entered the container from outside."""
    for pid in group.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _remove_rest(guest: Guest, run: RunState) -> None:
    paths = guest.context.paths
    steps: tuple[Callable[[], None], ...] = (
        lambda: _remove_group(run),
        lambda: _remove_devices(run),
        lambda: paths.socket(guest.name).unlink(missing_ok=True),
        lambda: _remove_folder(paths.mounts(guest.name)),
    )
    for step in steps:
        try:
            step()
        except OSError as error:
            log.warning("guest %s: %s", guest.name, error)


def _remove_group(run: RunState) -> None:
    if run.cgroup:
        Cgroup(Hierarchies.find(), run.cgroup).remove()


def _remove_devices(run: RunState) -> None:
    """The host's ends go with the container's; but the kernel takes its time, and a new start may want the name."""
    for name in run.veths:
        if netdev.exists(name):
            netlink = Netlink()
            with contextlib.suppress(OSError):
                netlink.remove(netlink.index(name))
            netlink.close()


def _remove_folder(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.rmdir()
