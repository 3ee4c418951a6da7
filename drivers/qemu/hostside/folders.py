# SPDX-License-Identifier: LGPL-2.1-or-later
"""The driver's own folders: made at its start, passable for guests' QEMUs, closed to others."""

from __future__ import annotations

import os

from drivers.qemu.context import QemuContext
from drivers.qemu.settings import account

#: Below the driver's library folder.
_BELOW_LIB = ("", "channel", "channel/target", "dump", "nvram", "ram", "save", "snapshot")


def make(context: QemuContext) -> None:
    """Make what is missing and hand it to the guests' user.  Blocks.

    Raises:
        OSError: a folder cannot be made.
        VirtError: qemu.conf names a user that is not there.
    """
    owner = account(context.settings, privileged=context.env.privileged)
    context.paths.state.mkdir(parents=True, exist_ok=True)
    for name in _BELOW_LIB:
        folder = context.paths.lib / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if owner is not None:
            os.chown(folder, owner.uid, owner.gid)
