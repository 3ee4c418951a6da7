# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon must know of a running QEMU beyond its domain XML."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conf.domain.cpu import CPU
from drivers.qemu.block.state import BlockState

if TYPE_CHECKING:
    from drivers.qemu.monitor import Monitor
    from drivers.qemu.process import Process


class Owner(NamedTuple):
    """Whose a file was before the guest's QEMU got it."""

    path: str
    uid: int
    gid: int


@dataclass(slots=True)
class Runtime:
    """The living side of a guest.  What a new daemon needs is in the status file.

    Attributes:
        domain_dir: the guest's own folder (monitor socket, keys).
        channel_dir: where its channel sockets lie by default.
        vcpu_threads: the host's thread id of each virtual CPU (empty under TCG without them).
        vcpu_paths: where each virtual CPU stands in QEMU's tree, which says so itself.
        devices: aliases of the devices QEMU has (a device in the XML that is not here is on its way out).
        taps: host network devices made for this guest, to be removed at its end.
        owners: files that are the QEMU user's while this guest runs.
        cgroup: the control group made for it.
        fake_reboot: the next power-off is a reboot (QEMU runs with -no-shutdown).
        autodestroy: the guest ends with the connection that started it, and so with the daemon.
        powered_off: the machine is off and QEMU waits (-no-shutdown).
        starting: the start is under way and sees to QEMU's end itself.
        pause_reason, resume_reason: the `DomainPausedReason` or `DomainRunningReason` of the command that makes
            QEMU stop or go on; None: it does so by itself.
        removals: alias of a device being unplugged → resolved when the guest let go of it.
        stopping: the `virDomainShutoffReason` of the end that somebody has already begun.
        block: block nodes and jobs.
        asked_cpu: the CPU as it was asked for, where QEMU gave the guest a different one.
    """

    domain_dir: Path
    channel_dir: Path
    process: Process | None = None
    monitor: Monitor | None = None
    vcpu_threads: dict[int, int] = field(default_factory=dict)
    vcpu_paths: dict[int, str] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    taps: list[str] = field(default_factory=list)
    owners: list[Owner] = field(default_factory=list)
    cgroup: str | None = None
    fake_reboot: bool = False
    autodestroy: bool = False
    powered_off: bool = False
    starting: bool = False
    pause_reason: int | None = None
    resume_reason: int | None = None
    removals: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    stopping: int | None = None
    block: BlockState = field(default_factory=BlockState)
    asked_cpu: CPU | None = None

    @property
    def master_key(self) -> Path:
        """The key of secrets on QEMU's command line; that names the file, so that it tells this QEMU from all others."""
        return self.domain_dir / "master-key.aes"

    @property
    def monitor_path(self) -> Path:
        """QEMU's QMP socket."""
        return self.domain_dir / "monitor.sock"
