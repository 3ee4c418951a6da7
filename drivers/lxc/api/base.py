# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all subjects of the API share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from drivers.common.guestlist import GuestList
from drivers.common.part import GuestPart
from drivers.lxc.context import LxcContext
from drivers.lxc.guest import Guest
from drivers.lxc.interface import Cgroup
from virtd.errors import Code, From, VirtError


class Part(GuestPart[Guest]):
    """A subject of the API."""

    prefix = "lxc"

    def __init__(self, context: LxcContext) -> None:
        self._context = context

    @property
    def guests(self) -> GuestList[Guest]:
        return self._context.guests

    @contextmanager
    def _group(self, guest: Guest, doing: str) -> Iterator[Cgroup]:
        """A running guest's control group; `doing` says what failed where the kernel refuses.

        Raises:
            VirtError: SYSTEM_ERROR; and what `Cgroup` raises.
        """
        group = self._context.runtime.cgroup(guest)
        try:
            yield group
        except OSError as error:
            text = f"{doing}: {os.strerror(error.errno or 0)}"
            raise VirtError(Code.SYSTEM_ERROR, text, source=From.CGROUP, ints=(error.errno or 0, -1)) from error
