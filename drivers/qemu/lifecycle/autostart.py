# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that start with the host."""

from __future__ import annotations

import asyncio
import logging
import os

from drivers.qemu.context import QemuContext
from drivers.qemu.guest import Guest
from drivers.qemu.lifecycle import launch
from virtd.errors import VirtError

log = logging.getLogger(__name__)

MARK = "autostarted"


async def start_all(context: QemuContext) -> None:
    """Start the guests marked so; once after each boot of the host, not with each daemon."""
    mark = context.paths.state / MARK
    if await asyncio.to_thread(mark.exists):
        return
    await asyncio.to_thread(_put, mark)
    for guest in context.guests:
        if guest.autostart and not guest.active:
            guest.tasks.spawn(_start(guest), "autostart")


def _put(mark: os.PathLike[str]) -> None:
    os.makedirs(os.path.dirname(mark), exist_ok=True)
    with open(mark, "w", encoding="ascii"):
        pass


async def _start(guest: Guest) -> None:
    try:
        async with guest.job("modify"):
            if not guest.active and guest.persistent is not None:
                await launch.start(guest, guest.persistent, launch.StartOptions())
    except VirtError as error:
        log.error("guest %s cannot be started with the host: %s", guest.name, error)
