# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a driver that keeps files does when the daemon starts: stored guests are loaded, and started with the host."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from conf.domain import Domain, parse_domain
from drivers.common.guestlist import GuestList
from drivers.common.persistence import DefinitionFiles, documents
from drivers.common.storedguest import StoredGuest
from virtd.errors import VirtError
from virtd.store import files
from virtd.threads import in_thread

log = logging.getLogger(__name__)

#: Exists from the first start of the driver on until the host boots anew.
MARK = "autostarted"
#: Seconds the daemon's start waits for the guests it found.
PATIENCE = 3.0

S = TypeVar("S", bound=StoredGuest)


async def load_stored(guests: GuestList[S], definitions: DefinitionFiles, new_guest: Callable[[Domain], S]) -> None:
    """Load every stored definition.  What cannot be read is set aside."""
    stored = await in_thread(lambda: list(definitions.load(parse_domain)))
    for domain, autostart in stored:
        try:
            if guests.place(domain) is not None:
                raise ValueError(f"another file defines {domain.name} too")
        except (ValueError, VirtError) as error:
            await in_thread(files.set_aside, definitions.path(domain.name), str(error))
            continue
        guest = new_guest(domain)
        guest.set_persistent(domain)
        guest.autostart = autostart
        guests.add(guest)


async def load_running(
    guests: GuestList[S],
    state: Path,
    load_status: Callable[[Path], Awaitable[object]],
    reconnect: Callable[[S], Coroutine[object, object, object]],
) -> None:
    """Take over what the daemon before left running: what the status files in `state` tell of.

    Returns once every guest was reached or had its time: one that hangs is waited for behind the scenes.
    """
    for path in await in_thread(documents, state):
        await load_status(path)
    found = [guest.tasks.spawn(reconnect(guest), "reconnect") for guest in guests if guest.active]
    if found:
        await asyncio.wait(found, timeout=PATIENCE)


async def start_all(guests: GuestList[S], state: Path, start: Callable[[S, Domain], Awaitable[object]]) -> None:
    """Start the guests marked so; once after each boot of the host, not with each daemon.

    `state` is the driver's folder under /run, `start` brings a guest up whose job is held.
    """
    mark = state / MARK
    if await in_thread(mark.exists):
        return
    await in_thread(_put, mark)
    for guest in guests:
        if guest.autostart and not guest.active:
            guest.tasks.spawn(_start(guest, start), "autostart")


def _put(mark: Path) -> None:
    os.makedirs(mark.parent, exist_ok=True)
    mark.touch()


async def _start(guest: S, start: Callable[[S, Domain], Awaitable[object]]) -> None:
    try:
        async with guest.job("modify"):
            if not guest.active and guest.persistent is not None:
                await start(guest, guest.persistent)
    except VirtError as error:
        log.error("guest %s cannot be started with the host: %s", guest.name, error)
