# SPDX-License-Identifier: LGPL-2.1-or-later
"""Generates, once a struct, the function that writes it: the mirror of `virtd.wire.decoding`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from virtd.wire import xdr
from virtd.wire.types import Array, Chars, FixedChars, Opaque, Optional, Params, Scalar, String, Struct, Type, Uuid

Encode = Callable[..., bytes]


def pack_fixed_chars(data: bytes, length: int) -> bytes:
    """`length` words, those after the value NUL."""
    if len(data) > length:
        raise xdr.EncodeError(f"{len(data)} entries, above {length}")
    return xdr.pack_words(data.ljust(length, b"\0"))


def check_uuid(value: bytes) -> bytes:
    """`struct` would cut or fill up a UUID of another length."""
    if len(value) != 16:
        raise xdr.EncodeError(f"{len(value)} bytes are no UUID")
    return value


class _Writer:
    """Collects the statements that append to `out`, and the fixed fields that one `struct` call packs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "EncodeError": xdr.EncodeError,
            "check_uuid": check_uuid,
            "pack_fixed_chars": pack_fixed_chars,
            "pack": struct.pack,
            "NO": b"\0\0\0\0",
            "YES": b"\0\0\0\1",
            **{
                name: getattr(xdr, name)
                for name in ("pack_text", "pack_bytes", "pack_chars", "pack_count", "pack_params")
            },
        }
        self.indent = 2
        self.pending: list[tuple[str, str]] = []
        self.variables = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def add(self, piece: str) -> None:
        """Append bytes, after what is pending."""
        self.flush()
        self.line(f"add({piece})")

    def variable(self) -> str:
        self.variables += 1
        return f"v{self.variables}"

    def flush(self) -> None:
        if self.pending:
            form = struct.Struct(">" + "".join(format_ for _, format_ in self.pending))
            name = f"pack{len(self.names)}"
            self.names[name] = form.pack
            values = ", ".join(value for value, _ in self.pending)
            self.pending = []
            self.line(f"add({name}({values}))")

    def value(self, type_: Type, value: str) -> None:
        """Code that writes the expression `value`."""
        match type_:
            case Scalar(format=format_):
                self.pending.append((value, format_))
            case Uuid():
                self.pending.append((f"check_uuid({value})", "16s"))
            case Struct():
                self.struct(type_, value)
            case Optional(of=of):
                self.optional(of, value)
            case Array():
                self.array(type_, value)
            case String():
                self.add(f"pack_text({value})")
            case FixedChars(length=length):
                self.add(f"pack_fixed_chars({value}, {length})")
            case Opaque(limit=limit):
                self.add(f"pack_bytes({value}, {limit})")
            case Chars(limit=limit):
                self.add(f"pack_chars({value}, {limit})")
            case Params(limit=limit):
                self.add(f"pack_params({value}, {limit})")

    def struct(self, type_: Struct, value: str) -> None:
        # Unpacking is a statement of its own; nothing that is pending may be computed after it.
        fields = [self.variable() for _ in type_.fields]
        if fields:
            self.line(f"{', '.join(fields)}, = {value}")
        for variable, (_, field) in zip(fields, type_.fields, strict=True):
            self.value(field, variable)

    def optional(self, of: Type, value: str) -> None:
        self.flush()
        self.line(f"if {value} is None:")
        self.block(lambda: self.line("add(NO)"))
        self.line("else:")
        self.block(lambda: self.present(of, value))

    def present(self, of: Type, value: str) -> None:
        self.line("add(YES)")
        self.value(of, value)

    def array(self, type_: Array, value: str) -> None:
        self.add(f"pack_count({value}, {type_.limit})")
        if isinstance(type_.of, Scalar):
            self.line(f"add(pack('>' + {type_.of.format!r} * len({value}), *{value}))")
            return
        item = self.variable()
        self.line(f"for {item} in {value}:")
        self.block(lambda: self.value(type_.of, item))

    def block(self, body: Callable[[], None]) -> None:
        self.indent += 1
        body()
        self.flush()
        self.indent -= 1


def compile_encoder(type_: Struct) -> Encode:
    """The function from a tuple of `type_`'s fields to bytes.

    It raises EncodeError on a value that the type cannot hold, whatever is wrong with it.
    """
    writer = _Writer()
    writer.struct(type_, "value")
    writer.flush()
    source = [
        "def encode(value):",
        "    out = []",
        "    add = out.append",
        "    try:",
        *(writer.lines or ["        pass"]),
        "    except (StructError, AttributeError, KeyError, TypeError, ValueError) as cause:",
        "        raise EncodeError(str(cause)) from cause",
        "    return b''.join(out)",
    ]
    names = {**writer.names, "StructError": struct.error}
    exec(compile("\n".join(source), f"<encoder of {type_.name}>", "exec"), names)  # noqa: S102 - from our own table
    encode: Encode = names["encode"]
    return encode
