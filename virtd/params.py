# SPDX-License-Identifier: LGPL-2.1-or-later
"""Typed parameters: libvirt's (name, type, value) triples."""

from __future__ import annotations

from typing import NamedTuple

from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError

Value = int | float | str


class TypedParam(NamedTuple):
    """One `virTypedParameter`; `type` is a `virTypedParameterType` and decides the wire form."""

    field: str
    type: int
    value: Value


class ParamList(list[TypedParam]):
    """A list under construction: one short method a type, in the order of the calls."""

    def add_int(self, field: str, value: int) -> None:
        self.append(TypedParam(field, T.INT, value))

    def add_uint(self, field: str, value: int) -> None:
        self.append(TypedParam(field, T.UINT, value))

    def add_llong(self, field: str, value: int) -> None:
        self.append(TypedParam(field, T.LLONG, value))

    def add_ullong(self, field: str, value: int) -> None:
        self.append(TypedParam(field, T.ULLONG, value))

    def add_double(self, field: str, value: float) -> None:
        self.append(TypedParam(field, T.DOUBLE, value))

    def add_bool(self, field: str, value: object) -> None:
        self.append(TypedParam(field, T.BOOLEAN, 1 if value else 0))

    def add_string(self, field: str, value: str) -> None:
        self.append(TypedParam(field, T.STRING, value))


TYPE_NAMES = {
    T.INT: "int",
    T.UINT: "uint",
    T.LLONG: "llong",
    T.ULLONG: "ullong",
    T.DOUBLE: "double",
    T.BOOLEAN: "boolean",
    T.STRING: "string",
}


def validate_params(params: list[TypedParam], known: dict[str, int]) -> dict[str, Value]:
    """Check a client's parameters against `known` (name → type) and return them as a mapping.

    Raises:
        VirtError: INVALID_ARG on an unknown name, a wrong type or a name given twice, in libvirt's words.
    """
    seen: dict[str, Value] = {}
    for field, type_, value in params:
        if field not in known:
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, f"parameter '{field}' not supported", source=From.NONE)
        if known[field] != type_:
            wanted = TYPE_NAMES[known[field]]
            text = f"invalid type '{TYPE_NAMES[type_]}' for parameter '{field}', expected '{wanted}'"
            raise VirtError(Code.INVALID_ARG, text, source=From.NONE)
        if field in seen:
            raise VirtError(Code.INVALID_ARG, f"parameter '{field}' occurs multiple times", source=From.NONE)
        seen[field] = value
    return seen
