# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the API asks of the runtime (`drivers.lxc.runtime`): the two halves of the driver meet here.

`lifecycle` gives a guest its id, its live definition and a fresh `RunState` and then asks for a start.  The runtime
fills in `guest.run` and the live definition's names (veths, terminals) in place, awaits `guest.save_status()` when
that matters to a later daemon, and tells an end that nobody asked for by `guest.ended(End.…)`, once a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest


class Cgroup(Protocol):
    """The control group of a running container (`drivers.lxc.runtime.cgroup`).  Short dealings with the kernel.

    Raises:
        VirtError: the host lacks a controller, its version of control groups such a thing, or the kernel refuses.
    """

    def has(self, controller: str) -> bool:
        """Whether the container has a controller, by its name in version 1; in session mode it has none."""
        ...

    def get(self, name: str) -> int:
        """A setting: `memory`, `soft_limit`, `swap_hard_limit` (KiB), `shares`, `period`, `quota`, `weight` …"""
        ...

    def set(self, name: str, value: int) -> None:
        """Change one."""
        ...

    def cpu_time(self) -> int:
        """Nanoseconds of processor time."""
        ...

    def cpu_time_split(self) -> tuple[int, int]:
        """Nanoseconds in user and in system mode."""
        ...

    def cpu_times(self) -> list[int]:
        """Nanoseconds on each of the host's processors."""
        ...

    def memory_usage(self) -> int:
        """KiB in use."""
        ...

    def swap_usage(self) -> int:
        """KiB that are swapped out."""
        ...

    def set_device_limit(self, name: str, device: str, value: int) -> None:
        """Limit a block device of the host; `name` as in `<blkiotune>`: `weight`, `read_iops_sec` …; 0 is no limit."""
        ...

    def block_stats(self, device: str | None) -> tuple[int, int, int, int]:
        """Requests and bytes read, requests and bytes written: of one of the host's block devices, or of all."""
        ...


class Runtime(Protocol):
    """Makes containers and looks after those that run.  Everything may be asked of a guest with a `RunState` only."""

    async def start(self, guest: Guest, *, paused: bool = False, files: Sequence[int] = ()) -> None:
        """The host's side, the controller, and all until init runs (or stands ready, `paused`).

        Args:
            files: descriptors for the init, which it finds as 3, 4, …; they stay the caller's.

        Raises:
            VirtError: the cause, in init's or the controller's words; nothing is left of the attempt.
        """
        ...

    async def stop(self, guest: Guest, reason: int) -> None:
        """Kill everything and clean up, also what is left of a container that has ended by itself.

        `reason` is a `DomainShutoffReason`.  Never fails because something is gone already.
        """
        ...

    async def reconnect(self, guest: Guest) -> bool:
        """After a restart of the daemon: False, it runs no more, and what is left of it is for `stop`."""
        ...

    def let_go(self, guest: Guest) -> None:
        """The daemon ends, the container goes on."""
        ...

    async def freeze(self, guest: Guest) -> None:
        """Returns when nothing in the container runs."""
        ...

    async def thaw(self, guest: Guest) -> None: ...

    def signal_init(self, guest: Guest, number: int) -> None:
        """Send the container's first process a signal.

        Raises:
            VirtError: SYSTEM_ERROR.
        """
        ...

    async def ask_init(self, guest: Guest, runlevel: str) -> bool:
        """Ask the container's init for a runlevel ("0" ends, "6" starts over) by its initctl; False: it has none."""
        ...

    def cgroup(self, guest: Guest) -> Cgroup: ...

    def namespaces(self, guest: Guest) -> list[tuple[str, int]]:
        """(name, new descriptor) of each namespace, in the order in which a process enters them; the caller closes."""
        ...

    def open_console(self, guest: Guest, alias: str) -> int:
        """A new, non-blocking descriptor of the host's end of a terminal."""
        ...

    async def attach_device(self, guest: Guest, device: Any) -> None:
        """Give the running container a device (`conf`'s model) whose names are chosen here; the caller notes it."""
        ...

    async def detach_device(self, guest: Guest, device: Any) -> None:
        """Take a device of the live definition away."""
        ...
