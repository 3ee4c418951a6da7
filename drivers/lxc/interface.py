# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the API asks of the runtime (`drivers.lxc.runtime`): the two halves of the driver meet here.

`lifecycle` gives a guest its id, its live definition and a fresh `RunState` and then asks for a start.  The runtime
fills in `guest.run` and the live definition's names (veths, terminals) in place, awaits `guest.save_status()` when
that matters to a later daemon, and tells an end that nobody asked for by `guest.ended(End.…)`, once a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from drivers.lxc.guest import Guest


class CpuTimes(NamedTuple):
    """Nanoseconds."""

    total: int
    user: int
    system: int


class IoCounters(NamedTuple):
    """Requests and bytes since the start."""

    read_requests: int
    read_bytes: int
    write_requests: int
    write_bytes: int


class Cgroup(Protocol):
    """The control group of a running container; version 1 and 2 look alike.  Small files of the kernel's: nothing waits.

    Raises:
        VirtError: SYSTEM_ERROR, the kernel refuses; OPERATION_UNSUPPORTED, this kernel has no such thing.
    """

    def memory_limit(self, name: str) -> int | None:
        """KiB of `hard_limit`, `soft_limit` or `swap_hard_limit` (memory and swap together); None is no limit."""
        ...

    def set_memory_limit(self, name: str, limit: int | None) -> None: ...

    def memory_used(self) -> int:
        """KiB."""
        ...

    def swap_used(self) -> int:
        """KiB of memory and swap together, as libvirt counts it; 0 where the kernel does not count."""
        ...

    def cpu_shares(self) -> int:
        """In version 1's scale, where 1024 is the usual share."""
        ...

    def set_cpu_shares(self, shares: int) -> None: ...

    def cpu_bandwidth(self) -> tuple[int, int]:
        """(period, quota) in microseconds; quota -1 is no limit."""
        ...

    def set_cpu_bandwidth(self, period: int | None, quota: int | None) -> None:
        """What is None stays; quota below 0 is no limit."""
        ...

    def cpu_times(self) -> CpuTimes: ...

    def cpu_times_each(self) -> list[int]:
        """Nanoseconds on each of the host's processors.  Version 2 has no such counts."""
        ...

    def io_weight(self) -> int: ...

    def set_io_weight(self, weight: int) -> None: ...

    def set_io_limit(self, name: str, path: str, value: int) -> None:
        """Limit a block device of the host; `name` as in `<blkiotune>`: `weight`, `read_iops_sec` …; 0 is no limit."""
        ...

    def io_counters(self, path: str | None) -> IoCounters:
        """Of one block device of the host, or of all."""
        ...

    def set_cpus(self, cpus: str | None, nodes: str | None) -> None:
        """Bind to processors and memory nodes (lists as `0-3,5`); what is None stays."""
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

    async def addresses(self, guest: Guest) -> list[tuple[str, str, list[tuple[int, str, int]]]]:
        """(name in the container, MAC, [(0: IPv4, 1: IPv6; address, prefix)]) of the container's interfaces."""
        ...
