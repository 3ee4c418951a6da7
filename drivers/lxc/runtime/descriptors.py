# SPDX-License-Identifier: LGPL-2.1-or-later
"""Descriptors that go to the controller together with the plan, which names each by its place."""

from __future__ import annotations

import os


class Descriptors:
    """A list of them; those that are `own` are closed here, those that are lent are not."""

    def __init__(self) -> None:
        self.all: list[int] = []
        self._own: list[int] = []

    def own(self, fd: int) -> int:
        """Take a descriptor; returns its place."""
        self._own.append(fd)
        return self.lend(fd)

    def lend(self, fd: int) -> int:
        """Name somebody else's descriptor; returns its place."""
        self.all.append(fd)
        return len(self.all) - 1

    def close(self) -> None:
        while self._own:
            os.close(self._own.pop())
