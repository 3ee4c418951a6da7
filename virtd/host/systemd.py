# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service manager's side of the daemon: readiness, watchdog, inherited sockets.

Everything is in the environment; without a service manager these functions do nothing.
"""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)

#: The first inherited descriptor.
_FIRST_FD = 3


def notify(*states: str) -> None:
    """Tell the service manager, as sd_notify does ("READY=1", "STOPPING=1", "WATCHDOG=1" …)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            sock.sendall("\n".join(states).encode())
        except OSError as error:  # an environment inherited by accident is no reason to end
            log.warning("%s does not hear of %s: %s", address, states[0], error)


def is_service() -> bool:
    """Whether a service manager started this process and waits for word of it."""
    return "NOTIFY_SOCKET" in os.environ


def watchdog_interval() -> float | None:
    """Seconds between the signs of life that the service manager wants; None: it wants none."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
    return microseconds / 2_000_000 if microseconds else None


def inherited_sockets() -> dict[str, socket.socket]:
    """Listening sockets made by the service manager, by the names of their units; asked once."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    count = int(os.environ.get("LISTEN_FDS", "0"))
    for variable in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        os.environ.pop(variable, None)
    found = {}
    for index, name in enumerate(names[:count]):
        os.set_inheritable(_FIRST_FD + index, False)
        found[name] = socket.socket(fileno=_FIRST_FD + index)
    return found
