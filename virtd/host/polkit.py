# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks polkit whether a process may do something."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from virtd.calls import Identity
from virtd.errors import Code, From, VirtError
from virtd.host import dbus

if TYPE_CHECKING:
    from dbus_fast import Message

#: Seconds for a person to type a password.
ANSWER_TIMEOUT = 300.0

_ALLOW_INTERACTION = 1
_DISMISSED = "polkit.dismissed"


async def check_authorization(identity: Identity, action: str) -> None:
    """Return when the process may do `action`.

    Raises:
        VirtError: it may not, nobody could be asked, or whoever was asked declined.
    """
    authorized, challenge, details = await _ask(identity, action)
    if authorized:
        return
    if details.get(_DISMISSED) == "true":
        raise _refusal(Code.AUTH_CANCELLED, "user cancelled authentication process")
    if challenge:
        raise _refusal(Code.AUTH_UNAVAILABLE, f"no polkit agent available to authenticate action '{action}'")
    raise _refusal(Code.AUTH_FAILED, "access denied by policy")


def _refusal(code: Code, detail: str) -> VirtError:
    return VirtError(code, detail, source=From.POLKIT)


async def _ask(identity: Identity, action: str) -> tuple[bool, bool, dict[str, str]]:
    try:
        [(authorized, challenge, details)] = await dbus.ask(_question(identity, action), timeout=ANSWER_TIMEOUT)
    except TimeoutError:
        raise _refusal(Code.AUTH_FAILED, "polkit did not answer") from None
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
