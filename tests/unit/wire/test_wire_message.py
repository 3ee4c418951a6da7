# SPDX-License-Identifier: LGPL-2.1-or-later
"""What surrounds payloads."""

from __future__ import annotations

import pytest

from virtd.errors import ArgumentError, Code, From, VirtError
from virtd.wire.message import (
    KEEPALIVE_PING,
    Header,
    Status,
    Type,
    decode_error,
    decode_hole,
    encode_error,
    encode_hole,
    keepalive,
    pack_message,
    read_fd_count,
    read_header,
)
from virtd.wire.xdr import DecodeError

HEADER = Header(0x20008086, 1, 66, Type.CALL, 7, Status.OK)
WORDS = b"\x20\0\x80\x86\0\0\0\1\0\0\0\x42\0\0\0\0\0\0\0\7\0\0\0\0"


def test_header() -> None:
    assert pack_message(HEADER, b"abcd") == b"\0\0\0\x20" + WORDS + b"abcd"
    assert read_header(b"\0\0\0\x20" + WORDS) == HEADER


def test_descriptor_count_is_part_of_the_length() -> None:
    message = pack_message(HEADER._replace(type=Type.CALL_WITH_FDS), b"abcd", fds=2)
    assert message[:4] == b"\0\0\0\x24"
    assert read_fd_count(message, 28) == 2
    assert message[32:] == b"abcd"


def test_keepalive() -> None:
    assert keepalive(KEEPALIVE_PING) == b"\0\0\0\x1ckeep\0\0\0\1\0\0\0\1\0\0\0\2\0\0\0\0\0\0\0\0"


def test_error() -> None:
    error = VirtError(Code.NO_DOMAIN, "no 'x'", source=From.QEMU)
    payload = encode_error(error)
    assert payload == (
        b"\0\0\0\x2a\0\0\0\x0a"
        b"\0\0\0\1\0\0\0\x18Domain not found: no 'x'\0\0\0\2"
        b"\0\0\0\0"
        b"\0\0\0\1\0\0\0\x14Domain not found: %s\0\0\0\1\0\0\0\6no 'x'\0\0\0\0\0\0"
        b"\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"
    )
    back = decode_error(payload)
    assert (back.code, back.source, back.message) == (42, 10, "Domain not found: no 'x'")


def test_error_without_detail_or_source() -> None:
    back = decode_error(encode_error(VirtError(Code.NO_DOMAIN)))
    assert (back.source, back.message, back.detail) == (0, "Domain not found", None)


def test_hole() -> None:
    assert encode_hole(1 << 33) == b"\0\0\0\2" + bytes(8)
    assert decode_hole(encode_hole(5)) == 5
    with pytest.raises(DecodeError):
        decode_hole(b"\0" * 8)


def test_a_refused_argument_names_function_and_argument() -> None:
    payload = encode_error(ArgumentError("virX", "flags", "unsupported flags (0x8) in function virX", source=From.TEST))
    assert b"\0\0\0\1\0\0\0\4virX\0\0\0\1\0\0\0\5flags\0\0\0" in payload
    assert payload.endswith(bytes(16))
    back = decode_error(payload)
    assert (back.code, back.message) == (8, "unsupported flags (0x8) in function virX")
