# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a server can be reached, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: How callers on a unix socket prove that they may.
UnixAuth = Literal["none", "polkit"]


@dataclass(slots=True)
class Limits:
    """What a server grants; the admin interface changes it while the server runs.

    `max_anonymous_clients` counts those that have not authenticated; 0 means no limit of its own.
    Keepalive times are in seconds.
    """

    max_clients: int = 5000
    max_queued_clients: int = 1000
    max_anonymous_clients: int = 20
    max_client_requests: int = 5
    keepalive_interval: int = 5
    keepalive_count: int = 5


@dataclass(frozen=True, slots=True)
class Service:
    """A unix socket to listen on.

    `mode` and `group` (a group id) are given to the socket's file.
    """

    path: Path
    mode: int
    group: int | None = None
    readonly: bool = False
    auth: UnixAuth = "none"
