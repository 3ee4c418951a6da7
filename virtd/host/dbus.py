# SPDX-License-Identifier: LGPL-2.1-or-later
"""One question to a service on the system bus."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from virtd.errors import Code, From, VirtError

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

#: Seconds to reach the system bus.
CONNECT_TIMEOUT = 10.0


async def ask(message: Message, *, timeout: float) -> list[Any]:  # noqa: ASYNC109 - the bus is left in order
    """Send a method call over a connection of its own; returns the reply's body.

    Args:
        timeout: seconds for the answer, after `CONNECT_TIMEOUT` for the connection.

    Raises:
        VirtError: INTERNAL_ERROR: there is no bus; DBUS_SERVICE: the service's own complaint.
        TimeoutError: the service did not answer.
    """
    from dbus_fast import MessageType

    bus = await _connect()
    try:
        async with asyncio.timeout(timeout):
            reply = await bus.call(message)
    finally:
        bus.disconnect()
    if reply is None or reply.message_type is MessageType.ERROR:
        detail = reply.body[0] if reply and reply.body else "no answer"
        raise VirtError(Code.DBUS_SERVICE, f"{message.member}: {detail}", source=From.DBUS)
    return list(reply.body)


async def _connect() -> MessageBus:
    from dbus_fast import BusType  # only daemons that ask a service pay for it
    from dbus_fast.aio import MessageBus

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await MessageBus(bus_type=BusType.SYSTEM).connect()
    except Exception as error:  # whatever is wrong with the bus or its address
        detail = f"Unable to get system bus connection: {error}"
        raise VirtError(Code.INTERNAL_ERROR, detail, source=From.DBUS) from error
