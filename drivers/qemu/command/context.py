# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a command line is made from, beside the domain itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conf.domain import Domain
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.settings import QemuSettings


@dataclass(frozen=True, slots=True)
class OpenInterface:
    """Descriptors opened for one interface: a queue each."""

    tap: tuple[int, ...] = ()
    vhost: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Where things are and what is open already; nothing is opened by building.

    `interfaces`, `sockets` and `descriptors` are keyed by the device's alias.
    """

    domain_dir: str
    channel_dir: str
    state_dir: str
    memory_dir: str
    settings: QemuSettings
    #: for showing, not for starting: nothing is open, and stand-ins name what would be
    native: bool = False
    monitor_fd: int | None = None
    interfaces: Mapping[str, OpenInterface] = field(default_factory=dict)
    #: path of a character device's unix socket → the descriptor that listens on it
    sockets: Mapping[str, int] = field(default_factory=dict)
    #: path of a character device's file → its descriptor, opened with the daemon's rights
    files: Mapping[str, int] = field(default_factory=dict)
    #: other descriptors: a vsock's vhost device, an mdev …
    descriptors: Mapping[str, int] = field(default_factory=dict)
    #: KiB of a page → folder where huge pages of that size are mounted
    hugepages: Mapping[int, str] = field(default_factory=dict)
    default_hugepage: int | None = None
    #: what was found out or made for a device: the /dev/sgN of a SCSI device, a helper's socket
    paths: Mapping[str, str] = field(default_factory=dict)
    #: what the secrets on the command line are encrypted with
    master_key: Callable[[], bytes] = bytes
    #: the host's NUMA nodes that have memory to give
    nodes: frozenset[int] = frozenset()
    #: what to receive at start instead of booting (`defer`)
    incoming: str | None = None
    now: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Build:
    """A command line, or a device to be plugged in, under construction."""

    domain: Domain
    caps: Capabilities
    context: Context

    @property
    def arch(self) -> str:
        return self.domain.os.arch or self.caps.arch

    @property
    def machine(self) -> str:
        """The machine type as the XML names it."""
        return self.domain.os.machine or ""
