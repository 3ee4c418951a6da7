# SPDX-License-Identifier: LGPL-2.1-or-later
"""Between dispatch and the parts of the driver: the faults that the caller's host has asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from drivers.test.clock import Clock
from drivers.test.faults import Fault
from drivers.test.world import Worlds


class WithFaults:
    """A part of the driver as dispatch sees it: its methods, each with the faults of the caller's host before it."""

    def __init__(self, part: object, worlds: Worlds) -> None:
        self._part = part
        self._worlds = worlds

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._part, name)

        @functools.wraps(method)
        def call(*args: Any) -> Any:
            world = self._worlds.current
            if not world.faults:
                return method(*args)
            fault = next((fault for fault in world.faults if fault.strikes(args)), None)
            return method(*args) if fault is None else _meet(world.clock, fault, method, args)

        return call


def _meet(clock: Clock, fault: Fault, method: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    if fault.delay:
        return _late(clock, fault, method, args)
    if error := fault.error():
        raise error
    return method(*args)


async def _late(clock: Clock, fault: Fault, method: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    await clock.sleep(fault.delay)
    if error := fault.error():
        raise error
    result = method(*args)
    return await result if hasattr(result, "__await__") else result
