# SPDX-License-Identifier: LGPL-2.1-or-later
"""On which CPUs of the host the threads of a guest may run."""

from __future__ import annotations

import os

from conf.bitmap import parse_bitmap
from drivers.qemu.guest import Guest
from virtd.errors import Code, VirtError


def pin_thread(thread: int, cpus: set[int]) -> None:
    """Let a thread run on these CPUs alone.

    Raises:
        VirtError: SYSTEM_ERROR.
    """
    try:
        os.sched_setaffinity(thread, cpus)
    except OSError as error:
        text = f"cannot set CPU affinity on process {thread}: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text) from error


def pin_emulator(guest: Guest, cpus: set[int]) -> None:
    """Pin all threads of QEMU that are no virtual CPU."""
    runtime = guest.runtime
    assert runtime is not None
    assert runtime.process is not None
    own = set(runtime.vcpu_threads.values())
    for thread in map(int, os.listdir(f"/proc/{runtime.process.pid}/task")):
        if thread not in own:
            pin_thread(thread, cpus)


def pin_all(guest: Guest) -> None:
    """Pin a fresh QEMU as its definition says.

    Raises:
        VirtError: SYSTEM_ERROR, the host has no such CPUs.
    """
    live, runtime = guest.require_active(), guest.runtime
    assert runtime is not None
    tune = live.cputune
    emulator = (tune.emulatorpin.cpuset if tune and tune.emulatorpin else None) or live.vcpu.cpuset
    if emulator:
        pin_emulator(guest, parse_bitmap(emulator))
    pins = {pin.vcpu: pin.cpuset for pin in tune.vcpupins} if tune else {}
    for index, thread in runtime.vcpu_threads.items():
        cpuset = pins.get(index) or live.vcpu.cpuset
        if cpuset:
            pin_thread(thread, parse_bitmap(cpuset))
