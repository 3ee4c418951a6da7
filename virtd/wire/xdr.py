# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pieces of XDR that generated codecs call: text, bytes, typed parameters; and the two errors.

Readers take a buffer that ends where the message ends, and a position; they return the value and the
position after it.  `struct.error` from a reader means too few bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from virtd.enums import TypedParameterType
from virtd.errors import Code, From, VirtError
from virtd.params import TypedParam, Value
from virtd.wire.types import STRING_MAX

Buffer = bytes | bytearray | memoryview

UINT = struct.Struct(">I")
read_uint = UINT.unpack_from
pack_uint = UINT.pack
#: What fills up a length, by its last two bits.
PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class DecodeError(VirtError):
    """A payload that does not have the form its procedure asks for; `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(Code.RPC, "Unable to decode message payload", source=From.RPC)
        self.reason = reason


class EncodeError(VirtError):
    """A value that its wire type cannot hold; `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(Code.RPC, "Unable to encode message payload", source=From.RPC)
        self.reason = reason


def _stop(buffer: Buffer, position: int, length: int, limit: int) -> int:
    """Where `length` bytes and their padding end."""
    if length > limit:
        raise DecodeError(f"length {length} above {limit}")
    stop = position + length + (-length & 3)
    if stop > len(buffer):
        raise DecodeError(f"{length} bytes announced, {len(buffer) - position} there")
    return stop


def read_text(buffer: Buffer, position: int, length: int) -> tuple[str, int]:
    """A string whose length word was read before."""
    stop = _stop(buffer, position, length, STRING_MAX)
    text = str(buffer[position : position + length], "utf-8")
    if "\0" in text:
        raise DecodeError("NUL in a string")
    return text, stop


def read_bytes(buffer: Buffer, position: int, length: int, limit: int) -> tuple[bytes, int]:
    """Bytes whose length word was read before."""
    stop = _stop(buffer, position, length, limit)
    return bytes(buffer[position : position + length]), stop


def read_chars(buffer: Buffer, position: int, count: int, limit: int) -> tuple[bytes, int]:
    """`count` bytes that take a word each."""
    if count > limit:
        raise DecodeError(f"{count} entries, above {limit}")
    stop = _stop(buffer, position, 4 * count, 4 * limit)
    return bytes(buffer[position + 3 : stop : 4]), stop


def check_count(buffer: Buffer, position: int, count: int, limit: int, minimum: int) -> None:
    """Refuse an array before anything is allocated for it."""
    if count > limit:
        raise DecodeError(f"{count} entries, above {limit}")
    if count * minimum > len(buffer) - position:
        raise DecodeError(f"{count} entries announced in {len(buffer) - position} bytes")


def pack_text(text: str) -> bytes:
    """A string with its length word and padding."""
    data = text.encode()
    length = len(data)
    if length > STRING_MAX or b"\0" in data:
        raise EncodeError("string too long, or NUL in it")
    return pack_uint(length) + data + PADDING[length & 3]


def pack_bytes(data: bytes, limit: int) -> bytes:
    """Bytes with their length word and padding."""
    length = len(data)
    if length > limit:
        raise EncodeError(f"{length} bytes, above {limit}")
    return pack_uint(length) + data + PADDING[length & 3]


def pack_words(data: bytes) -> bytes:
    """A word for each byte."""
    words = bytearray(4 * len(data))
    words[3::4] = data
    return bytes(words)


def pack_chars(data: bytes, limit: int) -> bytes:
    """Bytes that take a word each, after their count."""
    return pack_count(data, limit) + pack_words(data)


def pack_count(values: Sequence[object], limit: int) -> bytes:
    """The count word of an array."""
    if len(values) > limit:
        raise EncodeError(f"{len(values)} entries, above {limit}")
    return pack_uint(len(values))


# Typed parameters -------------------------------------------------------------------------------

#: A parameter's name with its final NUL fits into 80 bytes.
NAME_MAX = 79

_NUMBERS = {
    TypedParameterType.INT: struct.Struct(">i"),
    TypedParameterType.UINT: struct.Struct(">I"),
    TypedParameterType.LLONG: struct.Struct(">q"),
    TypedParameterType.ULLONG: struct.Struct(">Q"),
    TypedParameterType.DOUBLE: struct.Struct(">d"),
    TypedParameterType.BOOLEAN: struct.Struct(">i"),
}
_PACK_VALUE = {type_: form.pack for type_, form in _NUMBERS.items()} | {TypedParameterType.STRING: pack_text}


class _Prefixes(dict[tuple[str, int], bytes]):
    """(name, type) → their wire form: a few hundred pairs make up nearly all parameters ever sent."""

    MOST = 8192

    def __missing__(self, key: tuple[str, int]) -> bytes:
        name, type_ = key
        if len(name.encode()) > NAME_MAX:
            raise EncodeError(f"parameter name {name!r} too long")
        if len(self) >= self.MOST:
            self.clear()
        self[key] = prefix = pack_text(name) + pack_uint(type_)
        return prefix


_PREFIXES = _Prefixes()


def pack_params(params: Sequence[tuple[str, int, Value]], limit: int) -> bytes:
    """An array of typed parameters."""
    pieces = [pack_count(params, limit)]
    for name, type_, value in params:
        pieces.append(_PREFIXES[name, type_])
        pieces.append(_PACK_VALUE[type_](value))
    return b"".join(pieces)


def read_params(buffer: Buffer, position: int, count: int, limit: int) -> tuple[list[TypedParam], int]:
    """Typed parameters whose count was read before.

    Raises:
        VirtError: INTERNAL_ERROR: a name is too long for libvirt's struct; besides DecodeError.
    """
    check_count(buffer, position, count, limit, 12)
    params = []
    for _ in range(count):
        (length,) = read_uint(buffer, position)
        name, position = read_text(buffer, position + 4, length)
        if length > NAME_MAX:
            raise VirtError(Code.INTERNAL_ERROR, f"parameter {name} too big for destination", source=From.NONE)
        (type_,) = read_uint(buffer, position)
        value: Value
        if form := _NUMBERS.get(type_):
            (value,) = form.unpack_from(buffer, position + 4)
            position += 4 + form.size
        elif type_ == TypedParameterType.STRING:
            (length,) = read_uint(buffer, position + 4)
            value, position = read_text(buffer, position + 8, length)
        else:
            raise DecodeError(f"no parameter type {type_}")
        params.append(TypedParam(name, type_, value))
    return params, position
