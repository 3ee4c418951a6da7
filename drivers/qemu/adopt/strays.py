# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that another daemon left running and that could not be taken over: they are not started a second time."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.qemu.adopt.takeover import NotAdoptedError
from drivers.qemu.process import start_ticks
from virtd.errors import operation_invalid

if TYPE_CHECKING:
    from drivers.qemu.context import QemuContext
    from drivers.qemu.guest import Guest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stray:
    """A guest that runs without us; `started` tells its process from a later one with its pid."""

    name: str
    uuid: bytes
    pid: int
    started: int
    why: str

    @property
    def runs(self) -> bool:
        return start_ticks(self.pid) == self.started


def note(context: QemuContext, error: NotAdoptedError) -> None:
    """Keep in mind that a guest runs."""
    log.error("guest %s (QEMU is process %d) is left alone: %s", error.name, error.pid, error)
    context.strays.append(Stray(error.name, error.uuid, error.pid, error.started, str(error)))


def left_running(context: QemuContext, name: str) -> int | None:
    """The process of a guest that does not run as far as we know, if its pid file is of one that still does."""
    try:
        pid = int(context.paths.pid_file(name).read_text(encoding="ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    ours = os.fsencode(f"{context.paths.lib}/domain-")
    guest = os.fsencode(f"\0guest={name.replace(',', ',,')},")
    return pid if ours in words and guest in words else None


def refuse_second_start(guest: Guest) -> None:
    """Two QEMUs would write to the same images.

    Raises:
        VirtError: OPERATION_INVALID, the guest runs without us.
    """
    pid = left_running(guest.context, guest.name)
    if pid is not None:
        text = f"domain '{guest.name}' runs already, as process {pid}, and what was noted of it is lost: end it first"
        raise operation_invalid(text)
    strays = guest.context.strays
    strays[:] = [stray for stray in strays if stray.runs]
    for stray in strays:
        if guest.uuid == stray.uuid or guest.name == stray.name:
            text = f"domain '{guest.name}' runs already, as process {stray.pid} of another daemon: {stray.why}"
            raise operation_invalid(text)
