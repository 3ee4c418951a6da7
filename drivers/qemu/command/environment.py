# SPDX-License-Identifier: LGPL-2.1-or-later
"""The environment of a QEMU: nothing of the daemon's but what it needs."""

from __future__ import annotations

import os

from drivers.qemu.command.context import Context

#: Variables that are passed on if they are set.
_PASSED = ("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "USER", "LOGNAME", "TMPDIR")

#: Variable → the folder below the guest's own.
_PRIVATE = {"XDG_DATA_HOME": ".local/share", "XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config"}


def environment(context: Context) -> dict[str, str]:
    """What QEMU and its libraries find; files they like to write go to the guest's own folder."""
    passed = {name: value for name in _PASSED if (value := os.environ.get(name))}
    private = {name: f"{context.domain_dir}/{folder}" for name, folder in _PRIVATE.items()}
    return {"LC_ALL": "C", **passed, "HOME": context.domain_dir, **private}
