# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the tables of libvirt's RPC programs.

A table is text, a definition a line:

    program NAME NUMBER VERSION
    limit NAME NUMBER                         the most entries of an array
    handle NAME CLASS (FIELDS)                a struct that is a class of `virtd.refs`
    struct NAME (FIELDS)                      any other struct used inside others
    NUMBER NAME API [WORDS] (FIELDS) [-> (FIELDS)]      a procedure, its arguments and its result

FIELDS are `name: type` pairs.  A type is a simple one (`virtd.wire.types.SIMPLE`) or a struct, alone,
as `type?` (may be absent), `type<LIMIT>` (array) or `char[N]`.  API is the public function's name, or `-`.

WORDS of a procedure:

    write                   refused on a read-only connection
    write:flags&8           refused there if this bit of the argument is set
    write:source=1          refused there if the argument has this value
    secure:flags&9          the same, but the refusal speaks of the secure flag
    before-auth             allowed before the client is authenticated
    fds=in|out|both         descriptors come with the call, the reply, or both
    stream=read|write|both  an OK reply opens a stream; read is from server to client
    sparse=1                the bit of `flags` that allows holes in the stream
    event[=KIND:ID]         not a call but an event, for this `virtd.events.Kind` and event id
    legacy=KIND:ID          the same event as clients without callback ids know it
"""

from __future__ import annotations

import re
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from virtd import refs
from virtd.wire.types import Limit, Struct, parse_fields


@dataclass(slots=True)
class ProcedureLine:
    """A procedure as the table has it; the signatures are parsed when first needed."""

    number: int
    name: str
    api: str
    words: dict[str, str]
    args: str
    ret: str


@dataclass(slots=True)
class Table:
    """One program's definitions."""

    name: str = ""
    number: int = 0
    version: int = 0
    limits: dict[str, Limit] = field(default_factory=dict)
    structs: dict[str, Struct] = field(default_factory=dict)
    procedures: list[ProcedureLine] = field(default_factory=list)

    def struct(self, name: str, signature: str, make: type[tuple[Any, ...]] = tuple) -> Struct:
        """The struct of these fields."""
        return Struct(name, parse_fields(signature, self.limits, self.structs), make)


TABLES = Path(__file__).parent / "tables"

_PROCEDURE = re.compile(r"(\d+) (\w+) (\S+)((?: [^\s(]+)*) (\([^)]*\))(?: -> (\([^)]*\)))?")


def load_table(name: str) -> Table:
    """Read `tables/NAME.tbl`.

    Raises:
        ValueError: the table is wrong.
    """
    table = Table()
    for line in (TABLES / f"{name}.tbl").read_text().splitlines():
        if line and not line.startswith("#"):
            _read_line(table, line)
    return table


def _read_line(table: Table, line: str) -> None:
    if line[0].isdigit():
        table.procedures.append(_procedure(line))
        return
    keyword, name, rest = line.split(" ", 2)
    if keyword == "program":
        number, version = rest.split()
        table.name, table.number, table.version = name, int(number, 0), int(version)
    elif keyword == "limit":
        table.limits[name] = Limit(name, int(rest))
    elif keyword == "handle":
        class_name, signature = rest.split(" ", 1)
        table.structs[name] = table.struct(name, signature, getattr(refs, class_name))
    elif keyword == "struct":
        table.structs[name] = _plain_struct(table, name, rest)
    else:
        raise ValueError(f"not a line of a wire table: {line!r}")


def _plain_struct(table: Table, name: str, signature: str) -> Struct:
    fields = parse_fields(signature, table.limits, table.structs)
    make = namedtuple(name, [field_name for field_name, _ in fields])  # type: ignore[misc]
    return Struct(name, fields, make)


def _procedure(line: str) -> ProcedureLine:
    match = _PROCEDURE.fullmatch(line)
    if match is None:
        raise ValueError(f"not a procedure of a wire table: {line!r}")
    number, name, api, words, args, ret = match.groups()
    pairs = (re.fullmatch(r"([\w-]+)[=:]?(.*)", word) for word in words.split())
    by_word = {pair[1]: pair[2] for pair in pairs if pair}
    return ProcedureLine(int(number), name, "" if api == "-" else api, by_word, args, ret or "()")
