# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all subjects of the API share."""

from __future__ import annotations

from drivers.common.guestlist import GuestList
from drivers.common.part import GuestPart
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
