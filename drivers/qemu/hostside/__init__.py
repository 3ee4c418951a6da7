# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest needs of the host: folders, sockets, network devices, file ownership, a cgroup.

`prepare` makes it, `release` takes all of it back from what the status file says, so that a daemon
that did not make it can.
"""

from drivers.qemu.hostside.resources import Resources, prepare, release

__all__ = ["Resources", "prepare", "release"]
