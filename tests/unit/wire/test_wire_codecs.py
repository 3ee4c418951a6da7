# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bytes and values of the wire: known samples, all structs there and back, everything malformed refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.wire_values import all_structs, values
from virtd.errors import VirtError
from virtd.params import TypedParam
from virtd.refs import DomainRef
from virtd.wire.decoding import compile_decoder
from virtd.wire.encoding import compile_encoder
from virtd.wire.programs import ADMIN, QEMU, REMOTE
from virtd.wire.types import Limit, Struct, parse_fields
from virtd.wire.xdr import DecodeError, EncodeError

UUID = bytes(range(16))
DOM = DomainRef("deb", UUID, -1)
DOM_BYTES = b"\0\0\0\3deb\0" + UUID + b"\xff\xff\xff\xff"


def struct(signature: str, **limits: int) -> Struct:
    """A struct of these fields."""
    named = {name: Limit(name, value) for name, value in limits.items()}
    return Struct("test", parse_fields(signature, named, {}))


@pytest.mark.parametrize(
    ("name", "args", "payload"),
    [
        ("CONNECT_CLOSE", (), b""),
        ("CONNECT_OPEN", (None, 1), bytes(7) + b"\1"),
        ("CONNECT_OPEN", ("qemu:///system", 0), b"\0\0\0\1\0\0\0\x0eqemu:///system\0\0" + bytes(4)),
        ("DOMAIN_CREATE", (DOM,), DOM_BYTES),
        ("DOMAIN_GET_XML_DESC", (DOM, 0x80000003), DOM_BYTES + b"\x80\0\0\3"),
        ("DOMAIN_LOOKUP_BY_UUID", (UUID,), UUID),
        (
            "DOMAIN_SEND_KEY",
            (DOM, 1, 2, [30, 31], 0),
            DOM_BYTES + b"\0\0\0\1\0\0\0\2\0\0\0\2\0\0\0\x1e\0\0\0\x1f" + bytes(4),
        ),
        ("DOMAIN_PIN_VCPU", (DOM, 1, b"\x0f"), DOM_BYTES + b"\0\0\0\1\0\0\0\1\x0f\0\0\0"),
        ("AUTH_SASL_STEP", (0, b"\xffa"), b"\0\0\0\0\0\0\0\2\0\0\0\xff\0\0\0a"),
        ("DOMAIN_SET_TIME", (DOM, -2, 5, 0), DOM_BYTES + b"\xff" * 7 + b"\xfe\0\0\0\5" + bytes(4)),
        (
            "DOMAIN_SET_BLKIO_PARAMETERS",
            (DOM, [TypedParam("w", 2, 7), TypedParam("d", 7, "x:1"), TypedParam("r", 5, 0.5)], 1),
            DOM_BYTES
            + b"\0\0\0\3"
            + b"\0\0\0\1w\0\0\0\0\0\0\2\0\0\0\7"
            + b"\0\0\0\1d\0\0\0\0\0\0\7\0\0\0\3x:1\0"
            + b"\0\0\0\1r\0\0\0\0\0\0\5\x3f\xe0\0\0\0\0\0\0"
            + b"\0\0\0\1",
        ),
    ],
)
def test_arguments(name: str, args: tuple[Any, ...], payload: bytes) -> None:
    procedure = REMOTE.by_name[name]
    assert procedure.encode_args(args) == payload
    assert procedure.decode_args(payload) == args
    assert procedure.decode_args(b"header--" + payload + b"ignored", 8) == args


@pytest.mark.parametrize(
    ("name", "fields", "payload"),
    [
        ("DOMAIN_GET_INFO", (5, 1024, 512, 2, 9), b"\0\0\0\5" + bytes(6) + b"\4\0" + bytes(6) + b"\2\0\0\0\0\2" + bytes(7) + b"\x09"),
        ("CONNECT_LIST_ALL_DOMAINS", ([DOM, DOM], 2), b"\0\0\0\2" + DOM_BYTES * 2 + b"\0\0\0\2"),
        ("CONNECT_LIST_ALL_DOMAINS", ([], 5), b"\0\0\0\0\0\0\0\5"),
        ("CONNECT_GET_ALL_DOMAIN_STATS", ([(DOM, [TypedParam("s", 1, -1)])],), b"\0\0\0\1" + DOM_BYTES + b"\0\0\0\1\0\0\0\1s\0\0\0\0\0\0\1\xff\xff\xff\xff"),
        ("NODE_GET_CELLS_FREE_MEMORY", ([1, 2**63],), b"\0\0\0\2" + bytes(7) + b"\1\x80" + bytes(7)),
        ("DOMAIN_GET_VCPUS", ([(0, 1, 2, -1)], b"\3"), b"\0\0\0\1" + bytes(7) + b"\1" + bytes(7) + b"\2\xff\xff\xff\xff\0\0\0\1\3\0\0\0"),
        ("NODE_GET_SECURITY_MODEL", (b"a\0", b"0\0"), b"\0\0\0\2\0\0\0a\0\0\0\0\0\0\0\2\0\0\0" + b"0\0\0\0\0"),
    ],
)  # fmt: skip
def test_results(name: str, fields: tuple[Any, ...], payload: bytes) -> None:
    procedure = REMOTE.by_name[name]
    assert procedure.encode_ret(fields) == payload
    assert procedure.decode_ret(payload) == fields


def test_node_info_model_takes_32_words() -> None:
    payload = REMOTE.by_name["NODE_GET_INFO"].encode_ret((b"x86_64", 1, 2, 3, 4, 5, 6, 7))
    assert payload[:128] == b"".join(b"\0\0\0" + bytes([byte]) for byte in b"x86_64".ljust(32, b"\0"))
    assert len(payload) == 128 + 8 + 6 * 4


def test_handles_have_their_class() -> None:
    (dom,) = REMOTE.by_name["DOMAIN_CREATE"].decode_args(DOM_BYTES)
    assert type(dom) is DomainRef
    ((interface,),) = REMOTE.by_name["DOMAIN_INTERFACE_ADDRESSES"].decode_ret(
        b"\0\0\0\1\0\0\0\2lo\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1:\0\0\0\0\0\0\x80"
    )
    assert (interface.name, interface.hwaddr, interface.addrs[0].prefix) == ("lo", None, 128)


@pytest.mark.parametrize(("name", "struct"), [pytest.param(*both, id=both[0]) for both in all_structs()])
def test_there_and_back(name: str, struct: Struct) -> None:
    encode, decode = compile_encoder(struct), compile_decoder(struct)

    @settings(max_examples=12, database=None, deadline=None)
    @given(values(struct))
    def check(value: tuple[Any, ...]) -> None:
        payload = encode(value)
        assert len(payload) % 4 == 0
        assert len(payload) >= struct.minimum
        assert decode(payload) == tuple(value)
        with pytest.raises(DecodeError):
            decode(payload[:-4])

    check()


def test_any_buffer_will_do() -> None:
    decode = REMOTE.by_name["DOMAIN_SET_BLKIO_PARAMETERS"].decode_args
    payload = DOM_BYTES + b"\0\0\0\1\0\0\0\1w\0\0\0\0\0\0\7\0\0\0\1x\0\0\0\0\0\0\0"
    expected = decode(payload)
    assert decode(bytearray(payload)) == expected
    assert decode(memoryview(payload)) == expected


@pytest.mark.parametrize(
    ("signature", "payload"),
    [
        ("(text: string)", b"\0\0\0\5abcd"),
        ("(text: string)", b"\0\0\0\3abc"),  # no padding
        ("(text: string)", b"\0\x40\0\1"),  # above 4 MiB
        ("(text: string)", b"\xff\xff\xff\xff"),
        ("(text: string)", b"\0\0\0\2\xc3\x28\0\0"),
        ("(text: string)", b"\0\0\0\3\xed\xa0\x80\0"),  # a surrogate
        ("(text: string)", b"\0\0\0\2a\0\0\0"),
        ("(number: uint)", b"\0\0\0"),
        ("(number: double)", b"\0\0\0\0"),
        ("(maybe: string?)", b"\0\0\0\2\0\0\0\0"),
        ("(maybe: string?)", b"\xff\xff\xff\xff\0\0\0\0"),
        ("(data: opaque<MOST>)", b"\0\0\0\4abcd"),
        ("(data: char<MOST>)", b"\0\0\0\4" + bytes(16)),
        ("(data: char<MOST>)", b"\0\0\0\2" + bytes(4)),
        ("(names: string<MOST>)", b"\0\0\0\4" + bytes(16)),
        ("(names: string<MANY>)", b"\0\x10\0\0" + bytes(1000)),
        ("(numbers: uint<MANY>)", b"\0\x0f\0\0" + bytes(1000)),
        ("(numbers: uint<MOST>)", b"\0\0\0\4" + bytes(16)),
        ("(params: typed_param<MOST>)", b"\0\0\0\4" + bytes(100)),
        ("(params: typed_param<MOST>)", b"\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"),  # type 0
        ("(params: typed_param<MOST>)", b"\0\0\0\1\0\0\0\0\0\0\0\x08\0\0\0\0"),  # type 8
        ("(params: typed_param<MOST>)", b"\0\0\0\1\0\0\0\0\0\0\0\4\0\0\0\0"),  # half a value
    ],
)
def test_malformed_payloads(signature: str, payload: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        compile_decoder(struct(signature, MOST=3, MANY=1 << 20))(payload)
    assert (caught.value.code, caught.value.source) == (39, 7)
    assert caught.value.message == "Unable to decode message payload"


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        ("(text: string)", ("a\0b",)),
        ("(text: string)", ("\ud800",)),
        ("(text: string)", (None,)),
        ("(text: string)", ("x" * (4 * 1024 * 1024 + 1),)),
        ("(number: uint)", (-1,)),
        ("(number: int)", (1 << 31,)),
        ("(state: uchar)", (256,)),
        ("(id: uuid)", (bytes(15),)),
        ("(data: opaque<MOST>)", (bytes(4),)),
        ("(data: char<MOST>)", (bytes(4),)),
        ("(model: char[2])", (bytes(3),)),
        ("(numbers: int<MOST>)", ([1, 2, 3, 4],)),
        ("(names: string<MOST>)", (["a"] * 4,)),
        ("(params: typed_param<MOST>)", ([TypedParam("a", 1, 1)] * 4,)),
        ("(params: typed_param<MOST>)", ([TypedParam("a", 8, 1)],)),
        ("(params: typed_param<MOST>)", ([TypedParam("a" * 80, 1, 1)],)),
        ("(params: typed_param<MOST>)", ([TypedParam("a", 7, 1)],)),  # type: ignore[list-item]
        ("(one: int, two: int)", (1,)),
    ],
)
def test_values_that_do_not_fit(signature: str, value: tuple[Any, ...]) -> None:
    with pytest.raises(EncodeError):
        compile_encoder(struct(signature, MOST=3))(value)


@given(st.integers(0, 2**32 - 1))
def test_char_is_the_low_byte_of_its_word(word: int) -> None:
    decode = compile_decoder(struct("(state: uchar, count: ushort)"))
    assert decode(word.to_bytes(4, "big") * 2) == (word & 0xFF, word & 0xFFFF)


def test_other_programs() -> None:
    command = QEMU.by_name["DOMAIN_MONITOR_COMMAND"]
    assert command.decode_args(command.encode_args((DOM, "info", 1))) == (DOM, "info", 1)
    assert ADMIN.by_name["CONNECT_LIST_SERVERS"].encode_ret(([("a",)], 1)) == b"\0\0\0\1\0\0\0\1a\0\0\0\0\0\0\1"


def test_parameter_names_have_an_end() -> None:
    decode = compile_decoder(struct("(params: typed_param<MOST>)", MOST=3))
    prefix, value = b"\0\0\0\1\0\0\0", b"\0\0\0\1\0\0\0\1"
    assert decode(prefix + b"\x4f" + b"n" * 79 + b"\0" + value) == ([TypedParam("n" * 79, 1, 1)],)
    with pytest.raises(VirtError) as caught:
        decode(prefix + b"\x50" + b"n" * 80 + value)
    assert caught.value.message == f"internal error: parameter {'n' * 80} too big for destination"
