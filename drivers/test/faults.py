# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that fail or take long because a test wants them to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from virtd.calls import current_call
from virtd.errors import Code, VirtError
from virtd.refs import DomainRef


@dataclass
class Fault:
    """What happens to calls of `function` (virDomainSuspend …), of one domain or of any.

    Attributes:
        code: the error; None: the call only takes `delay` seconds of the host's time.
        skip: how many calls go well before.
        times: how many calls it happens to; None: all.
    """

    function: str
    domain: str | None = None
    code: int | None = None
    message: str = "a fault that was asked for"
    delay: float = 0.0
    skip: int = 0
    times: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError or TypeError for what cannot be."""
        if not isinstance(self.function, str) or not isinstance(self.message, str):
            raise TypeError("function and message are texts")
        self.code = None if self.code is None else Code(self.code)
        self.delay, self.skip = float(self.delay), int(self.skip)
        self.times = None if self.times is None else int(self.times)

    def strikes(self, args: tuple[Any, ...]) -> bool:
        """Whether it happens to a call with these arguments; counts the call."""
        if current_call.get().api != self.function or self.times == 0:
            return False
        names = {arg.name for arg in args if isinstance(arg, DomainRef)}
        if self.domain is not None and self.domain not in names:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def error(self) -> VirtError | None:
        """What the client is told."""
        return None if self.code is None else VirtError(Code(self.code), self.message)
