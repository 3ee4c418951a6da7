# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon must know of a running container beyond its domain XML."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from virtd.calls import Connection


class End(StrEnum):
    """How a container ended by itself."""

    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    CRASHED = "crashed"


#: Marks fields of `RunState` that live as long as the daemon only.
_PASSING = {"passing": True}


@dataclass(slots=True)
class RunState:
    """The living side of a guest.  Fields that are numbers, texts, truths or lists of texts are in its status file.

    Attributes:
        controller_pid, controller_started: the process that holds the container, and its start (ticks since boot).
        init_pid, init_started: the container's first process, as the host numbers it.
        cgroup: the control group made for it.
        loops: loop devices of its disks that are files: "sda=/dev/loop3".
        veths: network devices of the host made for this guest, to be removed at its end.
        autodestroy: the guest ends with the connection that started it.
        owner: that connection.
        stopping: the `virDomainShutoffReason` of the end that somebody has already begun.
        controller: the connection to the controller, and what watches over it; the runtime's own.
    """

    controller_pid: int = 0
    controller_started: int = 0
    init_pid: int = 0
    init_started: int = 0
    cgroup: str = ""
    loops: list[str] = field(default_factory=list)
    veths: list[str] = field(default_factory=list)
    autodestroy: bool = False
    owner: Connection | None = field(default=None, metadata=_PASSING)
    stopping: int | None = field(default=None, metadata=_PASSING)
    controller: Any = field(default=None, metadata=_PASSING)


def kept_fields() -> dict[str, Any]:
    """What a new daemon needs of it: name → an example that shows the type."""
    blank = RunState()
    return {f.name: getattr(blank, f.name) for f in fields(RunState) if not f.metadata.get("passing")}
