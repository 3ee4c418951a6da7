# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all subjects of the API share."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conf.domain import Domain
from drivers.common.guestlist import GuestList
from drivers.common.part import GuestPart, definitions
from drivers.common.persistence import write_failed
from drivers.lxc.context import LxcContext
from drivers.lxc.guest import Guest
from drivers.lxc.interface import Cgroup


class Part(GuestPart[Guest]):
    """A subject of the API."""

    prefix = "lxc"

    def __init__(self, context: LxcContext) -> None:
        self._context = context

    @property
    def guests(self) -> GuestList[Guest]:
        return self._context.guests

    def _group(self, guest: Guest) -> Cgroup:
        """A running guest's control group.

        Raises:
            VirtError: OPERATION_INVALID, it has none.
        """
        return self._context.runtime.cgroup(guest)

    @asynccontextmanager
    async def _changing(self, guest: Guest, flags: int) -> AsyncIterator[tuple[Domain | None, Domain | None]]:
        """Hold the guest's job; the definitions that the flags mean are the body's to change, and last when it ends.

        Of the stored one it gets a copy: when the body or writing fails, all is as before.

        Raises:
            VirtError: OPERATION_INVALID, as `definitions`; SYSTEM_ERROR, it cannot be written.
        """
        async with guest.job("modify"):
            live, before = definitions(guest, flags)
            stored = copy.deepcopy(before)
            yield live, stored
            if live is not None:
                await guest.save_status()
            if stored is not None:
                await self._write(guest, before, stored)

    async def _write(self, guest: Guest, before: Domain | None, stored: Domain) -> None:
        guest.set_persistent(stored)
        try:
            await guest.save_persistent()
        except OSError as error:
            guest.set_persistent(before)
            raise write_failed(self._context.paths.definitions.path(guest.name), error) from error
