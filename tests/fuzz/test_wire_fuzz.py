# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hostile payloads: whatever arrives, a decoder gives values or refuses, soon and without much memory."""

from __future__ import annotations

import random
import struct
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fakes.wire_values import all_structs, values
from virtd.errors import VirtError
from virtd.wire.decoding import Decode, compile_decoder
from virtd.wire.encoding import compile_encoder
from virtd.wire.message import decode_error
from virtd.wire.programs import REMOTE
from virtd.wire.types import Struct
from virtd.wire.xdr import DecodeError

STRUCTS = list(all_structs())
SEED = 20231122
#: What breaks decoders: counts and lengths at and beyond every limit.
EVIL_WORDS = [
    struct.pack(">I", word) for word in (0, 1, 2, 7, 16, 17, 257, 4096, 1 << 22, (1 << 22) + 1, 1 << 31, 2**32 - 1)
]


def attempt(decode: Decode, payload: bytes) -> None:
    """Decode; nothing but a refusal in libvirt's words may come out."""
    try:
        decode(payload)
    except DecodeError:
        pass
    except VirtError as error:
        if "too big for destination" not in error.message:
            raise


def mutated(payload: bytes, dice: random.Random) -> bytes:
    """The payload with one thing wrong."""
    data = bytearray(payload)
    place = dice.randrange(0, max(len(data), 1), 4)
    match dice.randrange(5):
        case 0:
            data[place : place + 4] = dice.choice(EVIL_WORDS)
        case 1:
            del data[place:]
        case 2:
            data[place : place + 1] = bytes([dice.randrange(256)])
        case 3:
            data[place:place] = dice.choice(EVIL_WORDS)
        case _:
            data[place:] = dice.randbytes(len(data) - place)
    return bytes(data)


@pytest.mark.parametrize("part", range(8))
def test_mutated_payloads(part: int) -> None:
    dice = random.Random(SEED + part)

    for _, type_ in STRUCTS[part::8]:
        encode, decode = compile_encoder(type_), compile_decoder(type_)
        for payload in samples(type_, encode):
            for _ in range(40):
                attempt(decode, mutated(payload, dice))


def samples(type_: Struct, encode: object) -> list[bytes]:
    """A few well-formed payloads."""
    found: list[bytes] = []

    @settings(
        max_examples=4,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(values(type_))
    def collect(value: tuple[object, ...]) -> None:
        found.append(encode(value))  # type: ignore[operator]

    collect()
    return found


@pytest.mark.parametrize("part", range(4))
def test_random_payloads(part: int) -> None:
    dice = random.Random(SEED + part)
    for _, type_ in STRUCTS[part::4]:
        decode = compile_decoder(type_)
        for _ in range(50):
            words = [
                dice.choice(EVIL_WORDS) if dice.random() < 0.7 else dice.randbytes(4) for _ in range(dice.randrange(40))
            ]
            attempt(decode, b"".join(words))


@given(st.binary(max_size=200))
@settings(max_examples=200, database=None)
def test_random_errors(payload: bytes) -> None:
    with suppress(DecodeError):
        decode_error(payload)


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("CONNECT_GET_ALL_DOMAIN_STATS", b"\0\0\x40\0" + bytes(28)),
        ("DOMAIN_SET_BLKIO_PARAMETERS", b"\0\0\0\1a\0\0\0" + bytes(20) + b"\0\0\0\x10"),
        ("CONNECT_BASELINE_CPU", b"\0\0\1\0"),
        ("SECRET_SET_VALUE", bytes(16) + bytes(4) + b"\0\0\0\1a\0\0\0" + b"\0\1\0\0"),
        ("AUTH_SASL_STEP", b"\0\0\0\0\0\1\0\0"),
        ("CONNECT_OPEN", b"\0\0\0\1\0\x40\0\0"),
    ],
)
def test_announcing_much_allocates_nothing(name: str, payload: bytes) -> None:
    decode = REMOTE.by_name[name].decode_args
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError):
            decode(payload)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_the_largest_message_takes_bounded_time_and_memory() -> None:
    """16384 handles in one call: all that a client may say of domains."""
    procedure = REMOTE.by_name["CONNECT_GET_ALL_DOMAIN_STATS"]
    payload = procedure.encode_args(([("d" * 80, bytes(16), 1)] * 16384, 0, 0))
    tracemalloc.start()
    started = time.monotonic()
    try:
        procedure.decode_args(payload)
        assert tracemalloc.get_traced_memory()[1] < 12 * len(payload)
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 5
