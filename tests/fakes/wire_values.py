# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of wire types for property tests, and every struct there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from virtd.enums import TypedParameterType as T
from virtd.params import TypedParam
from virtd.wire.programs import PROGRAMS
from virtd.wire.table import load_table
from virtd.wire.types import Array, Chars, FixedChars, Opaque, Optional, Params, Scalar, String, Struct, Type, Uuid

#: How many entries of an array a test makes at most.
MANY = 3

_SCALARS = {
    "i": st.integers(-(2**31), 2**31 - 1),
    "I": st.integers(0, 2**32 - 1),
    "q": st.integers(-(2**63), 2**63 - 1),
    "Q": st.integers(0, 2**64 - 1),
    "d": st.floats(allow_nan=False),
    "3xB": st.integers(0, 255),
    "2xH": st.integers(0, 65535),
}
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
_PARAMS = st.lists(
    st.one_of(
        st.builds(TypedParam, TEXTS, st.sampled_from([T.INT, T.BOOLEAN]), _SCALARS["i"]),
        st.builds(TypedParam, TEXTS, st.just(T.UINT), _SCALARS["I"]),
        st.builds(TypedParam, TEXTS, st.just(T.LLONG), _SCALARS["q"]),
        st.builds(TypedParam, TEXTS, st.just(T.ULLONG), _SCALARS["Q"]),
        st.builds(TypedParam, TEXTS, st.just(T.DOUBLE), _SCALARS["d"]),
        st.builds(TypedParam, TEXTS, st.just(T.STRING), TEXTS),
    ),
    max_size=MANY,
)


def values(type_: Type) -> st.SearchStrategy[Any]:
    """Values that `type_` can hold."""
    match type_:
        case Scalar(format=format_):
            return _SCALARS[format_]
        case Uuid():
            return st.binary(min_size=16, max_size=16)
        case String():
            return TEXTS
        case Opaque() | Chars():
            return st.binary(max_size=9)
        case FixedChars(length=length):
            return st.binary(min_size=length, max_size=length)
        case Params():
            return _PARAMS
        case Array(of=of):
            return st.lists(values(of), max_size=MANY)
        case Optional(of=of):
            return st.none() | values(of)
        case Struct(fields=fields, make=make):
            return st.tuples(*(values(field) for _, field in fields)).map(
                lambda made: made if make is tuple else tuple.__new__(make, made)
            )


def all_structs() -> Iterator[tuple[str, Struct]]:
    """(name, struct) of every payload of every program, the error's and the hole's."""
    for program in PROGRAMS.values():
        for procedure in program.by_name.values():
            for struct in (procedure.args, procedure.ret):
                if struct.fields:
                    yield f"{program.name}.{struct.name}", struct
    yield from load_table("message").structs.items()
