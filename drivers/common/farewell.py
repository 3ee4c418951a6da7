# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a driver that keeps files does when the daemon ends: it lets go of its guests, which go on without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

from drivers.common.storedguest import StoredGuest

log = logging.getLogger(__name__)

#: Seconds the daemon's end waits for a guest: less than a driver has to stop.
PATIENCE = 4.0

S = TypeVar("S", bound=StoredGuest)


async def let_go_all(guests: Iterable[S], let_go: Callable[[S], Coroutine[object, object, None]]) -> None:
    """Let go of all guests side by side: what one is still busy with keeps no other from having its state written."""
    await asyncio.gather(*(_let_go(guest, let_go) for guest in guests))


async def _let_go(guest: S, let_go: Callable[[S], Coroutine[object, object, None]]) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await let_go(guest)
    except TimeoutError:
        log.error("guest %s is still busy, the daemon ends all the same; the next one sees to it", guest.name)
    except Exception:
        log.exception("guest %s was not let go of", guest.name)
