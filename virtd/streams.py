# SPDX-License-Identifier: LGPL-2.1-or-later
"""The driver's side of a libvirt stream: a source and sink of bytes and holes."""

from __future__ import annotations

from typing import NamedTuple


class Hole(NamedTuple):
    """`length` bytes of zeros that need not be sent."""

    length: int


class Stream:
    """What a streaming call hands to the server, which pumps it.

    The server calls `read` until it answers None (end of data), `write`/`write_hole` for what the
    client sends, and in the end exactly one of `finish` (the client said all is well, or the data
    ended) and `abort` (the client gave up or vanished).  Any may raise VirtError, which ends the
    stream with that error.  A stream that goes one way only leaves the other methods as they are.
    """

    readable = False
    writable = False

    async def read(self, limit: int) -> bytes | Hole | None:
        """At most `limit` bytes, waiting for the first; None at the end."""
        raise NotImplementedError

    async def write(self, data: bytes) -> None:
        """Take data; return when there is room for more."""
        raise NotImplementedError

    async def write_hole(self, length: int) -> None:
        """Take a hole."""
        raise NotImplementedError

    async def finish(self) -> None:
        """The client has seen or sent everything."""

    async def abort(self) -> None:
        """The client gave up: release everything."""
