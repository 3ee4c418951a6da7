# SPDX-License-Identifier: LGPL-2.1-or-later
"""Named places where a test can make the daemon die, stall or meet a full disk.

`VIRTD_FAULT_POINT=NAME[:kill|:delay=SECONDS|:full]` arms the one named; kill is the default.  Not set, a
fault point is a call of an empty function.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

VARIABLE = "VIRTD_FAULT_POINT"


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _action(text: str) -> Callable[[], None]:
    kind, _, argument = text.partition("=")
    if kind == "delay":
        seconds = float(argument)
        return lambda: time.sleep(seconds)
    return {"kill": _kill, "full": _full}[kind or "kill"]


def armed(setting: str) -> Callable[[str], None]:
    """A fault point function that acts as `setting` says."""
    # The name itself has a colon: operation:step.
    parts = setting.split(":")
    wanted = ":".join(parts[:2])
    action = _action(parts[2] if len(parts) > 2 else "kill")

    def point(name: str) -> None:
        if name == wanted:
            log.warning("fault point %s", setting)
            action()

    return point


def _unarmed(name: str) -> None:
    """Nothing is to happen."""


#: Call it with "operation:step" where that step is done.
fault_point: Callable[[str], None] = armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _unarmed
