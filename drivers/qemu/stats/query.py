# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asking a guest's QEMU for figures, all questions at once, without one that hangs holding anybody up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, NamedTuple

from drivers.qemu.guest import Guest
from drivers.qemu.monitor import MonitorTimeout
from virtd.errors import VirtError

log = logging.getLogger(__name__)

#: Seconds that QEMU has to answer: usually, where the caller does not want to wait (NOWAIT), and where it is
#: known to hang.
PATIENCE = 10.0
PATIENCE_NOWAIT = 0.4
PATIENCE_HUNG = 0.2


class Question(NamedTuple):
    """A QMP command that changes nothing; its reply is filed under `key`."""

    key: str
    command: str
    arguments: dict[str, Any] | None = None


Replies = dict[str, Any]


async def ask(guest: Guest, questions: Iterable[Question], *, nowait: bool = False) -> Replies:
    """Replies by key; without those that QEMU does not know, refuses or does not answer in time."""
    monitor = guest.runtime.monitor if guest.runtime is not None else None
    if monitor is None:
        return {}
    patience = PATIENCE_HUNG if monitor.hung else PATIENCE_NOWAIT if nowait else PATIENCE
    replies: Replies = {}
    unanswered: list[str] = []

    async def one(question: Question) -> None:
        try:
            reply = await monitor.execute(question.command, question.arguments, timeout=patience)
        except MonitorTimeout:
            unanswered.append(question.command)
        except VirtError as error:
            log.debug("guest %s: %s", guest.name, error)
        else:
            replies[question.key] = reply

    async with asyncio.TaskGroup() as tasks:
        for question in questions:
            tasks.create_task(one(question))
    if unanswered:
        log.warning("guest %s: QEMU does not answer %s", guest.name, ", ".join(unanswered))
    return replies
