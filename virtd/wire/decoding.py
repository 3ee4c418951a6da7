# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generates, once a struct, the function that reads it.

Consecutive fields of fixed size are read by one `struct` call, across the borders of nested structs;
the length word of what follows rides along.  A value is therefore first an expression over variables
that the next flush assigns.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from virtd.wire import xdr
from virtd.wire.types import Array, Chars, FixedChars, Opaque, Optional, Params, Scalar, String, Struct, Type, Uuid

Decode = Callable[..., tuple[Any, ...]]

#: Arrays and strings of these types are read by a function of `xdr`, given their length.
_READERS = {String: "read_text", Opaque: "read_bytes", Chars: "read_chars", Params: "read_params"}


class _Writer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "DecodeError": xdr.DecodeError,
            "check_count": xdr.check_count,
            "new": tuple.__new__,
            "unpack": struct.unpack_from,
            **{reader: getattr(xdr, reader) for reader in _READERS.values()},
        }
        self.indent = 2
        self.pending: list[tuple[str, str]] = []
        self.variables = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def bind(self, prefix: str, value: object) -> str:
        """A name by which generated code knows `value`."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def variable(self) -> str:
        self.variables += 1
        return f"v{self.variables}"

    def fixed(self, format_: str) -> str:
        """A variable for a value of fixed size."""
        name = self.variable()
        self.pending.append((name, format_))
        return name

    def flush(self) -> None:
        """Read what is pending."""
        if self.pending:
            form = struct.Struct(">" + "".join(format_ for _, format_ in self.pending))
            targets = ", ".join(name for name, _ in self.pending)
            self.line(f"{targets}, = {self.bind('unpack', form.unpack_from)}(buf, pos)")
            self.line(f"pos += {form.size}")
            self.pending = []

    def value(self, type_: Type) -> str:
        """Code that reads a value; returns an expression that is good after the next flush."""
        match type_:
            case Scalar(format=format_):
                return self.fixed(format_)
            case Uuid():
                return self.fixed("16s")
            case Struct():
                return self.struct(type_)
            case Optional(of=of):
                return self.optional(of)
            case Array():
                return self.array(type_)
            case FixedChars(length=length):
                self.flush()
                return self.assign(f"read_chars(buf, pos, {length}, {length})")
            case String():
                return self.counted(type_)
            case Opaque(limit=limit) | Chars(limit=limit) | Params(limit=limit):
                return self.counted(type_, f", {limit}")

    def assign(self, call: str) -> str:
        name = self.variable()
        self.line(f"{name}, pos = {call}")
        return name

    def counted(self, type_: Type, limit: str = "") -> str:
        length = self.fixed("I")
        self.flush()
        return self.assign(f"{_READERS[type(type_)]}(buf, pos, {length}{limit})")

    def struct(self, type_: Struct) -> str:
        values = "".join(self.value(field) + ", " for _, field in type_.fields)
        if type_.make is tuple:
            return f"({values})"
        return f"new({self.bind('T', type_.make)}, ({values}))"

    def optional(self, of: Type) -> str:
        flag = self.fixed("I")
        self.flush()
        name = self.variable()
        self.line(f"{name} = None")
        self.line(f"if {flag} == 1:")
        self.block(lambda: f"{name} = {self.value(of)}")
        self.line(f"elif {flag}:")
        self.block(lambda: "raise DecodeError('optional neither 0 nor 1')")
        return name

    def array(self, type_: Array) -> str:
        count = self.fixed("I")
        self.flush()
        name = self.variable()
        self.line(f"check_count(buf, pos, {count}, {type_.limit}, {type_.of.minimum})")
        if isinstance(type_.of, Scalar):
            self.line(f"{name} = list(unpack('>' + {type_.of.format!r} * {count}, buf, pos))")
            self.line(f"pos += {type_.of.size} * {count}")
            return name
        self.line(f"{name} = []")
        self.line(f"for _ in range({count}):")
        self.block(lambda: f"{name}.append({self.value(type_.of)})")
        return name

    def block(self, body: Callable[[], str]) -> None:
        """An indented block that ends with the statement `body` returns."""
        self.indent += 1
        statement = body()
        self.flush()
        self.line(statement)
        self.indent -= 1


def compile_decoder(type_: Struct) -> Decode:
    """The function (buffer, position=0) → values of `type_`'s fields.

    It raises DecodeError on whatever does not have the type's form; bytes after it are ignored.
    """
    writer = _Writer()
    values = writer.struct(type_)
    writer.flush()
    source = [
        "def decode(buf, pos=0):",
        "    try:",
        *writer.lines,
        f"        return {values}",
        "    except (StructError, UnicodeDecodeError) as cause:",
        "        raise DecodeError(str(cause)) from cause",
    ]
    names = {**writer.names, "StructError": struct.error}
    exec(compile("\n".join(source), f"<decoder of {type_.name}>", "exec"), names)  # noqa: S102 - from our own table
    decode: Decode = names["decode"]
    return decode
