# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon must know of a running QEMU beyond its domain XML."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.qemu.capabilities import Capabilities
    from drivers.qemu.monitor import Monitor
    from drivers.qemu.process import Process


@dataclass(slots=True)
class Runtime:
    """The living side of a guest.  All but `process`, `monitor` and `capabilities` is in the status file.

    Attributes:
        domain_dir: the guest's own folder (monitor socket, keys).
        channel_dir: where its channel sockets lie by default.
        vcpu_threads: the host's thread id of each virtual CPU (empty under TCG without them).
        devices: aliases of the devices QEMU has (a device in the XML that is not here is on its way out).
        taps: host network devices made for this guest, to be removed at its end.
        fake_reboot: the next power-off is a reboot (QEMU runs with -no-shutdown).
        autodestroy: the guest ends with the connection that started it, and so with the daemon.
        stopping: the `virDomainShutoffReason` of the end that somebody has already begun.
    """

    domain_dir: Path
    channel_dir: Path
    process: Process | None = None
    monitor: Monitor | None = None
    capabilities: Capabilities | None = None
    vcpu_threads: dict[int, int] = field(default_factory=dict)
    devices: set[str] = field(default_factory=set)
    taps: list[str] = field(default_factory=list)
    fake_reboot: bool = False
    autodestroy: bool = False
    stopping: int | None = None

    @property
    def monitor_path(self) -> Path:
        """QEMU's QMP socket."""
        return self.domain_dir / "monitor.sock"
