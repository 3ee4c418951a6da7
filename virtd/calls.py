# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a driver may know of the call it serves: the connection, the caller, descriptors."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from virtd.streams import Stream


@dataclass(slots=True, frozen=True)
class Identity:
    """Who is at the other end, as the kernel tells it (None where it cannot)."""

    uid: int | None = None
    gid: int | None = None
    pid: int | None = None
    user: str | None = None


@dataclass(slots=True, eq=False)
class Connection:
    """A client's open connection to a driver (`virConnectPtr`)."""

    uri: str
    readonly: bool
    identity: Identity
    _on_close: list[Callable[[], None]] = field(default_factory=list)

    def on_close(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` once when the client goes away (autodestroy …); the result takes that back."""
        self._on_close.append(callback)
        return lambda: self._on_close.remove(callback) if callback in self._on_close else None

    def closed(self) -> None:
        """The server's word that the client is gone."""
        callbacks, self._on_close = self._on_close, []
        for callback in callbacks:
            callback()


@dataclass(slots=True)
class Call:
    """One call under way.  Descriptors in `fds` belong to the server unless the driver takes them out."""

    api: str
    connection: Connection
    fds: list[int] = field(default_factory=list)


current_call: ContextVar[Call] = ContextVar("current_call")


@dataclass(slots=True)
class WithFds:
    """A driver's answer that carries descriptors; the server sends and closes them."""

    value: object
    fds: list[int]


@dataclass(slots=True)
class WithStream:
    """A driver's answer that opens a stream."""

    stream: Stream
    value: object = None
