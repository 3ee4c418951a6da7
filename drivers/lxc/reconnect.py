# SPDX-License-Identifier: LGPL-2.1-or-later
"""A new daemon finds the containers of the one before: those that run on, and those that ended meanwhile."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from uuid import UUID

from drivers.common import startup
from drivers.common.persistence import UNUSABLE
from drivers.lxc import lifecycle, status
from drivers.lxc.context import LxcContext
from drivers.lxc.guest import Guest
from virtd.enums import DomainShutoffReason, DomainState
from virtd.errors import VirtError
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)


async def load_all(context: LxcContext) -> None:
    """Load every stored definition and take over every running container.  What cannot be read is set aside."""
    await startup.load_stored(context.guests, context.paths.definitions, lambda domain: Guest(context, domain))
    await startup.load_running(context.guests, context.paths.state, partial(_load_status, context), _reconnect)


async def _load_status(context: LxcContext, path: Path) -> None:
    try:
        found = await in_thread(status.load, path)
    except UNUSABLE as error:
        await in_thread(files.set_aside, path, str(error))
        return
    guests = context.guests
    guest = guests.by_uuid(UUID(found.domain.uuid).bytes)
    if guest is None:
        guest = Guest(context, found.domain)
        guests.add(guest)
    guest.set_live(found.domain)
    guest.run = found.run
    guest.on_end = lifecycle.ended
    guest.set_state(found.state, found.reason)
    if found.domain.id and found.domain.id > 0:
        guests.claim_id(guest, found.domain.id)


async def _reconnect(guest: Guest) -> None:
    """Take a container over, or note how it ended while no daemon watched."""
    run = guest.run
    assert run is not None
    async with guest.job("modify"):
        try:
            runs = await guest.context.runtime.reconnect(guest)
        except VirtError as error:
            log.error("guest %s cannot be taken over and is ended: %s", guest.name, error)
            runs = False
        if guest.state == DomainState.SHUTOFF:
            log.warning("guest %s: its start was interrupted and is undone", guest.name)
            await lifecycle.end(guest, DomainShutoffReason.FAILED)
        elif not runs:
            await lifecycle.end(guest, DomainShutoffReason.CRASHED if run.stopping is None else run.stopping)
        elif run.autodestroy:
            log.info("guest %s ends with the connection that started it", guest.name)
            await lifecycle.end(guest, DomainShutoffReason.DESTROYED)
        else:
            await guest.save_status()
