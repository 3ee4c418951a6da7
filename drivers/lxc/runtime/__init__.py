# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon's half of running containers (`drivers.lxc.interface.Runtime`); the other is `drivers.lxc.controller`.

    starting     from a live definition to a running init; finding one again    planning   what the controller is told
    running      what is done with a container while it runs                    controller how
    ending       killing and cleaning up                                        cgroup     limits, use, freezer, devices

The rest are the parts of a definition: filesystems, hostdevices, interfaces, consoles, privileges, limits, sharing.
"""

from __future__ import annotations

from drivers.lxc.runtime.ending import stop
from drivers.lxc.runtime.running import (
    ask_init,
    attach_device,
    cgroup,
    detach_device,
    freeze,
    namespaces,
    open_console,
    signal_init,
    thaw,
)
from drivers.lxc.runtime.starting import let_go, reconnect, start

__all__ = [
    "ask_init",
    "attach_device",
    "cgroup",
    "detach_device",
    "freeze",
    "let_go",
    "namespaces",
    "open_console",
    "reconnect",
    "signal_init",
    "start",
    "stop",
    "thaw",
]
