# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is around a payload: the header, the error, the hole in a stream, keepalive, descriptors."""

from __future__ import annotations

import struct
from typing import NamedTuple

from virtd.errors import Code, From, VirtError
from virtd.wire.decoding import compile_decoder
from virtd.wire.encoding import compile_encoder
from virtd.wire.table import load_table
from virtd.wire.xdr import Buffer, DecodeError


class Type:
    """`virNetMessageType`."""

    CALL = 0
    REPLY = 1
    MESSAGE = 2
    STREAM = 3
    CALL_WITH_FDS = 4
    REPLY_WITH_FDS = 5
    STREAM_HOLE = 6


class Status:
    """`virNetMessageStatus`."""

    OK = 0
    ERROR = 1
    CONTINUE = 2


#: Bytes of the length word, which counts itself.
LENGTH_SIZE = 4
#: The largest value of the length word.
MAX_LENGTH = 32 * 1024 * 1024 + LENGTH_SIZE
HEADER_SIZE = 24
MAX_PAYLOAD = MAX_LENGTH - LENGTH_SIZE - HEADER_SIZE
#: Stream packets carry at most this much.
MAX_STREAM_DATA = 262120
MAX_FDS = 32
#: Events say so in place of a serial.
EVENT_SERIAL = 1

KEEPALIVE_PROGRAM = 0x6B656570
KEEPALIVE_VERSION = 1
KEEPALIVE_PING = 1
KEEPALIVE_PONG = 2

_FRAME = struct.Struct(">IIIiiIi")
_HEADER = struct.Struct(">IIiiIi")
_COUNT = struct.Struct(">I")


class Header(NamedTuple):
    """The six words after the length."""

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int


def read_header(buffer: Buffer, position: int = LENGTH_SIZE) -> Header:
    """The header at `position`; the buffer must hold it."""
    return Header._make(_HEADER.unpack_from(buffer, position))


def pack_message(header: Header, payload: bytes = b"", fds: int | None = None) -> bytes:
    """A whole message; with `fds`, the count of descriptors that will follow it stands before the payload."""
    if fds is not None:
        payload = _COUNT.pack(fds) + payload
    return _FRAME.pack(LENGTH_SIZE + HEADER_SIZE + len(payload), *header) + payload


def read_fd_count(buffer: Buffer, position: int) -> int:
    """The count word of a message with descriptors.

    Raises:
        struct.error: it is not there.
    """
    (count,) = _COUNT.unpack_from(buffer, position)
    return int(count)


def keepalive(procedure: int) -> bytes:
    """A ping or a pong."""
    return pack_message(Header(KEEPALIVE_PROGRAM, KEEPALIVE_VERSION, procedure, Type.MESSAGE, 0, Status.OK))


_STRUCTS = load_table("message").structs
_encode_error = compile_encoder(_STRUCTS["error"])
_decode_error = compile_decoder(_STRUCTS["error"])
_encode_hole = compile_encoder(_STRUCTS["stream_hole"])
_decode_hole = compile_decoder(_STRUCTS["stream_hole"])

#: `virErrorLevel`.
LEVEL_ERROR = 2


def encode_error(error: VirtError) -> bytes:
    """The payload of a reply or a stream packet with status ERROR."""
    source = From.NONE if error.source is None else error.source
    return _encode_error(
        (error.code, source, error.message, LEVEL_ERROR, None, *error.strings, None, *error.ints, None)
    )


def decode_error(buffer: Buffer, position: int = 0) -> VirtError:
    """The error as a client sees it.

    Raises:
        DecodeError: no error, or one with numbers that nobody knows.
    """
    code, source, message, _level, _dom, _str1, detail, _str3, int1, int2, _net = _decode_error(buffer, position)
    try:
        error = VirtError(Code(code), detail, source=From(source), ints=(int1, int2))
        if error.message != message:
            return VirtError(Code(code), message, source=From(source), ints=(int1, int2), bare=True)
        return error
    except ValueError as cause:
        raise DecodeError(str(cause)) from cause


def encode_hole(length: int) -> bytes:
    """The payload of a STREAM_HOLE packet."""
    return _encode_hole((length, 0))


def decode_hole(buffer: Buffer, position: int = 0) -> int:
    """The length of a hole, in bytes.

    Raises:
        DecodeError: not a hole, or one with flags.
    """
    length, _flags = _decode_hole(buffer, position)
    return int(length)
