# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cuts what arrives on a socket into messages, and gives each the descriptors that follow it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from virtd.wire.message import HEADER_SIZE, LENGTH_SIZE, MAX_FDS, MAX_LENGTH, Type

#: Of a message's start: length, (program, version, procedure), type.
_START = Struct(">I12xI")
_WORD = Struct(">I")
START_SIZE = LENGTH_SIZE + HEADER_SIZE
_WITH_FDS = (Type.CALL_WITH_FDS, Type.REPLY_WITH_FDS)


class MalformedError(Exception):
    """The peer does not speak the protocol; nothing but hanging up helps."""


class Frame(NamedTuple):
    """One whole message, from its length word on, and its descriptors."""

    message: bytes
    fds: list[int]


class Framer:
    """Bytes and descriptors in, frames out.

    Holds at most one unfinished message, and never more of it than was received.  A descriptor arrives
    with a byte of its own behind the message it belongs to; those that belong to none are closed.
    """

    def __init__(self) -> None:
        self._unfinished = bytearray()
        self._fds: deque[int] = deque()

    def feed(self, data: bytes, fds: list[int] | None = None) -> Iterator[Frame]:
        """Take what one receive brought.

        Raises:
            MalformedError: a length or count out of bounds, or a descriptor missing.
        """
        if fds:
            self._fds.extend(fds)
            if len(self._fds) > MAX_FDS:
                raise MalformedError("descriptors without messages")
        if self._unfinished:
            self._unfinished += data
            if not self._is_complete():
                return
            data = bytes(self._unfinished)
            self._unfinished.clear()
        yield from self._cut(data)

    def _is_complete(self) -> bool:
        return len(self._unfinished) >= START_SIZE and _extent(self._unfinished, 0) <= len(self._unfinished)

    def _cut(self, data: bytes) -> Iterator[Frame]:
        start, have = 0, len(data)
        while have - start >= START_SIZE and (end := start + _extent(data, start)) <= have:
            length, _ = _START.unpack_from(data, start)
            message = data if length == have else data[start : start + length]
            yield Frame(message, self._take_fds(end - start - length))
            start = end
        if start < have:
            self._unfinished += data[start:]
            _check_length(self._unfinished)
        else:
            self._close_strays()

    def _take_fds(self, count: int) -> list[int]:
        if count > len(self._fds):
            raise MalformedError(f"{count} descriptors announced, {len(self._fds)} received")
        return [self._fds.popleft() for _ in range(count)]

    def _close_strays(self) -> None:
        while self._fds:
            os.close(self._fds.popleft())

    def close(self) -> None:
        """Let go of everything."""
        self._unfinished.clear()
        self._close_strays()


def _check_length(data: bytes | bytearray) -> None:
    if len(data) >= _WORD.size:
        (length,) = _WORD.unpack_from(data)
        if not START_SIZE <= length <= MAX_LENGTH:
            raise MalformedError(f"message length {length}")


def _extent(data: bytes | bytearray, start: int) -> int:
    """How many bytes the message at `start` takes, with the bytes that carry its descriptors."""
    length, type_ = _START.unpack_from(data, start)
    if not START_SIZE <= length <= MAX_LENGTH:
        raise MalformedError(f"message length {length}")
    if type_ not in _WITH_FDS:
        return int(length)
    if length < START_SIZE + _WORD.size:
        raise MalformedError("no descriptor count")
    if len(data) < start + START_SIZE + _WORD.size:
        return int(length)  # more than there is: asked again later
    (count,) = _WORD.unpack_from(data, start + START_SIZE)
    if count > MAX_FDS:
        raise MalformedError(f"{count} descriptors")
    return int(length + count)
