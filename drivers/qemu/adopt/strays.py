# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that another daemon left running and that could not be taken over: they are not started a second time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
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


def refuse_second_start(guest: Guest) -> None:
    """Two QEMUs would write to the same images.

    Raises:
        VirtError: OPERATION_INVALID, the guest runs without us.
    """
    strays = guest.context.strays
    strays[:] = [stray for stray in strays if stray.runs]
    for stray in strays:
        if guest.uuid == stray.uuid or guest.name == stray.name:
            text = f"domain '{guest.name}' runs already, as process {stray.pid} of another daemon: {stray.why}"
            raise operation_invalid(text)
