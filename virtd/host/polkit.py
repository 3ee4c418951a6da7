# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks polkit whether a process may do something."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from virtd.calls import Identity
from virtd.errors import Code, From, VirtError

if TYPE_CHECKING:
    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

#: Seconds to reach the system bus, and for a person to type a password.
CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 300.0

_ALLOW_INTERACTION = 1
_DISMISSED = "polkit.dismissed"


async def check_authorization(identity: Identity, action: str) -> None:
    """Return when the process may do `action`.

    Raises:
        VirtError: it may not, nobody could be asked, or whoever was asked declined.
    """
    bus = await _connect()
    try:
        reply = await _ask(bus, identity, action)
    finally:
        bus.disconnect()
    authorized, challenge, details = reply
    if authorized:
        return
    if details.get(_DISMISSED) == "true":
        raise _refusal(Code.AUTH_CANCELLED, "user cancelled authentication process")
    if challenge:
        raise _refusal(Code.AUTH_UNAVAILABLE, f"no polkit agent available to authenticate action '{action}'")
    raise _refusal(Code.AUTH_FAILED, "access denied by policy")


def _refusal(code: Code, detail: str) -> VirtError:
    return VirtError(code, detail, source=From.POLKIT)


async def _connect() -> MessageBus:
    from dbus_fast import BusType  # only daemons that ask polkit pay for it
    from dbus_fast.aio import MessageBus

    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            return await MessageBus(bus_type=BusType.SYSTEM).connect()
    except Exception as error:  # whatever is wrong with the bus or its address
        detail = f"Unable to get system bus connection: {error}"
        raise VirtError(Code.INTERNAL_ERROR, detail, source=From.DBUS) from error


async def _ask(bus: MessageBus, identity: Identity, action: str) -> tuple[bool, bool, dict[str, str]]:
    from dbus_fast import MessageType

    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            reply = await bus.call(_question(identity, action))
    except TimeoutError:
        raise _refusal(Code.AUTH_FAILED, "polkit did not answer") from None
    if reply is None or reply.message_type is MessageType.ERROR:
        detail = reply.body[0] if reply and reply.body else "no answer"
        raise VirtError(Code.DBUS_SERVICE, f"CheckAuthorization: {detail}", source=From.DBUS)
    authorized, challenge, details = reply.body[0]
    return authorized, challenge, details


def _question(identity: Identity, action: str) -> Message:
    from dbus_fast import Message, Variant

    if identity.pid is None or identity.uid is None:
        raise _refusal(Code.AUTH_FAILED, "access denied by policy")
    process = {
        "pid": Variant("u", identity.pid),
        "start-time": Variant("t", process_start_time(identity.pid)),
        "uid": Variant("i", identity.uid),
    }
    return Message(
        destination="org.freedesktop.PolicyKit1",
        path="/org/freedesktop/PolicyKit1/Authority",
        interface="org.freedesktop.PolicyKit1.Authority",
        member="CheckAuthorization",
        signature="(sa{sv})sa{ss}us",
        body=[["unix-process", process], action, {}, _ALLOW_INTERACTION, ""],
    )


def process_start_time(pid: int) -> int:
    """When a process began, in clock ticks since the host's boot: with the pid it names one process for good.

    Raises:
        VirtError: it has ended.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        raise _refusal(Code.AUTH_FAILED, "the client has ended") from None
    return int(stat.rpartition(")")[2].split()[19])
