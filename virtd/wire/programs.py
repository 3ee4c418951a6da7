# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's RPC programs and their procedures, with codecs that are compiled when first used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from virtd.wire.decoding import Decode, compile_decoder
from virtd.wire.encoding import Encode, compile_encoder
from virtd.wire.table import ProcedureLine, Table, load_table
from virtd.wire.types import Struct

Direction = Literal["read", "write", "both"]


@dataclass(frozen=True, slots=True)
class WriteAccess:
    """When a read-only connection is refused: always, or by the value of one argument."""

    #: Index of the argument that decides; None: always refused.
    argument: int | None = None
    #: Refused if the argument has one of these bits …
    bits: int = 0
    #: … or this value.
    value: int | None = None
    #: The refusal speaks of the secure flag.
    secure: bool = False

    def refuses(self, args: tuple[object, ...]) -> bool:
        """Whether a read-only connection may not make this call."""
        if self.argument is None:
            return True
        given = args[self.argument]
        return isinstance(given, int) and (bool(given & self.bits) or given == self.value)


class Procedure:
    """One procedure.

    Attributes:
        api: name of the public function ("virDomainGetInfo"); empty for events and authentication.
        kind: an event comes from the server unasked, a stream opens one with its reply.
        fds: what carries descriptors: the call ("in"), the reply ("out"), both, or nothing ("").
        stream: its direction as seen from the client, or None.
        sparse_flag: the bit of the last argument that allows holes in the stream; 0: never.
    """

    def __init__(self, table: Table, line: ProcedureLine) -> None:
        self._table = table
        self._line = line
        self.program = table.number
        self.version = table.version
        self.number = line.number
        self.name = line.name
        self.api = line.api
        words = line.words
        self.kind: Literal["call", "stream", "event"] = (
            "stream" if "stream" in words else "event" if words.keys() & {"event", "legacy"} else "call"
        )
        self.before_auth = "before-auth" in words
        self.fds = words.get("fds", "")
        self.stream: Direction | None = words.get("stream")  # type: ignore[assignment]  # the table's words
        self.sparse_flag = int(words.get("sparse", "0"))

    def __repr__(self) -> str:
        return f"<{self._table.name} {self.name}>"

    @cached_property
    def write_access(self) -> WriteAccess | None:
        """When a read-only connection is refused; None: never."""
        words = self._line.words
        if "write" not in words and "secure" not in words:
            return None
        condition = words.get("write") or words.get("secure")
        if not condition:
            return WriteAccess()
        name, operator, number = re.split("([&=])", condition)
        argument = self.args.field_names.index(name)
        if operator == "&":
            return WriteAccess(argument, bits=int(number), secure="secure" in words)
        return WriteAccess(argument, value=int(number))

    @cached_property
    def args(self) -> Struct:
        """The arguments, or an event's fields."""
        return self._table.struct(f"{self.name}.args", self._line.args)

    @cached_property
    def ret(self) -> Struct:
        """The result's fields."""
        return self._table.struct(f"{self.name}.ret", self._line.ret)

    @cached_property
    def decode_args(self) -> Decode:
        return compile_decoder(self.args)

    @cached_property
    def encode_args(self) -> Encode:
        return compile_encoder(self.args)

    @cached_property
    def decode_ret(self) -> Decode:
        return compile_decoder(self.ret)

    @cached_property
    def encode_ret(self) -> Encode:
        return compile_encoder(self.ret)

    @property
    def encode_msg(self) -> Encode:
        """An event's fields to bytes."""
        return self.encode_args

    @property
    def decode_msg(self) -> Decode:
        """Bytes to an event's fields."""
        return self.decode_args


class EventProcedures(NamedTuple):
    """How an event is told: to callbacks, and to clients of old (None: not at all)."""

    callback: Procedure
    legacy: Procedure | None

    def encode(self, callback_id: int, subject: tuple[object, ...], args: tuple[object, ...]) -> bytes:
        """The payload for one callback; `subject` and `args` are those of a `virtd.events.Event`."""
        if self.callback.args.field_names[1] == "reason":  # the power management events: always 0
            return self.callback.encode_msg((callback_id, 0, subject))
        return self.callback.encode_msg((callback_id, subject, *args))


class Program:
    """A numbered set of procedures."""

    def __init__(self, name: str) -> None:
        self._table = table = load_table(name)
        self.name = name
        self.number = table.number
        self.version = table.version
        self.limits = table.limits
        self.by_name = {line.name: Procedure(table, line) for line in table.procedures}
        self.procedures = {procedure.number: procedure for procedure in self.by_name.values()}

    @cached_property
    def events(self) -> dict[tuple[str, int], EventProcedures]:
        """(`virtd.events.Kind`, event id) → the procedures that tell it."""
        lines = self._table.procedures
        legacy = {line.words["legacy"]: self.by_name[line.name] for line in lines if "legacy" in line.words}
        found = {}
        for line in lines:
            if name := line.words.get("event"):
                kind, event_id = name.split(":")
                found[kind, int(event_id)] = EventProcedures(self.by_name[line.name], legacy.get(name))
        return found


REMOTE = Program("remote")
QEMU = Program("qemu")
LXC = Program("lxc")
ADMIN = Program("admin")

#: Number → program.
PROGRAMS = {program.number: program for program in (REMOTE, QEMU, LXC, ADMIN)}
