# SPDX-License-Identifier: LGPL-2.1-or-later
"""The regular differences between a procedure on the wire and a driver's method.

An `Adaptor` is found by looking at the fields of the arguments and the result; docs/architecture.md,
"The call contract", has the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from virtd.enums import TypedParameterFlags, TypedParameterType
from virtd.errors import Code, From, VirtError
from virtd.wire.programs import Procedure
from virtd.wire.types import Array, Limit, Params

Args = tuple[Any, ...]
Fields = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Adaptor:
    """How arguments become a method's, and what it returns the reply's fields.

    Attributes:
        parameters: how many a method takes.
        arguments: from the wire's arguments to the method's; None: they are the same.
        fields: from a method's result and the wire's arguments to the reply's fields.
    """

    parameters: int
    arguments: Callable[[Args], Args] | None
    fields: Callable[[Any, Args], Fields]


def too_many(text: str) -> VirtError:
    """What a daemon says of numbers beyond the protocol's limits."""
    return VirtError(Code.INTERNAL_ERROR, text, source=From.RPC)


def regular_adaptor(procedure: Procedure) -> Adaptor:
    """The adaptor that follows from the shape of `procedure`."""
    args, ret = procedure.args.field_names, procedure.ret.field_names
    if "need_results" in args and len(ret) == 2:
        return _listing(procedure)
    if "nparams" in args and ret[0] == "params":
        return _parameters(procedure)
    if len(ret) == 1 and (most := next((name for name in args if name.startswith("max")), "")):
        return _limited(procedure, most)
    return Adaptor(len(args), None, (_no_fields, _one_field, _fields)[min(len(ret), 2)])


def _no_fields(_result: Any, _args: Args) -> Fields:
    return ()


def _one_field(result: Any, _args: Args) -> Fields:
    return (result,)


def _fields(result: Any, _args: Args) -> Fields:
    return tuple(result)


def without(index: int) -> Callable[[Args], Args]:
    """All arguments but one."""
    return lambda args: args[:index] + args[index + 1 :]


def array_limit(procedure: Procedure) -> Limit:
    """The limit of the array that the result begins with."""
    type_ = procedure.ret.fields[0][1]
    assert isinstance(type_, Array | Params)
    return type_.limit


def _listing(procedure: Procedure) -> Adaptor:
    """(…, need_results, …) → (list, ret)."""
    needed = procedure.args.field_names.index("need_results")
    limit = array_limit(procedure)
    what = procedure.ret.field_names[0]

    def fields(result: list[Any], args: Args) -> Fields:
        count = len(result)
        if count > limit:
            raise VirtError(Code.RPC, f"Too many {what} '{count}' for limit '{int(limit)}'", source=From.RPC)
        return (result, count) if args[needed] else ([], count)

    return Adaptor(len(procedure.args.fields) - 1, without(needed), fields)


def _limited(procedure: Procedure, most: str) -> Adaptor:
    """(…, maxnames, …) → (list)."""
    index = procedure.args.field_names.index(most)
    limit = array_limit(procedure)
    drop = without(index)

    def arguments(args: Args) -> Args:
        if args[index] > limit:
            raise VirtError(Code.RPC, f"{most} > REMOTE_{limit.name}", source=From.RPC)
        if args[index] < 0:
            raise VirtError(Code.RPC, f"{most} must be non-negative", source=From.RPC)
        return drop(args)

    return Adaptor(len(procedure.args.fields) - 1, arguments, lambda result, args: (result[: args[index]],))


def check_size(name: str, given: int, limit: int) -> None:
    """Refuse a number of entries that no reply could hold."""
    if given < 0:
        raise too_many(f"{name} must be non-negative")
    if given > limit:
        raise too_many(f"{name} too large")


def readable(params: list[Any], flags: int) -> list[Any]:
    """The parameters that a caller understands: strings came later than the rest."""
    if flags & TypedParameterFlags.PARAM_STRING_OKAY:
        return params
    return [param for param in params if param[1] != TypedParameterType.STRING]


def _parameters(procedure: Procedure) -> Adaptor:
    """(…, nparams, flags) → (params) or (params, nparams); nparams 0 asks for the count, which is 0 otherwise."""
    names = procedure.args.field_names
    index, flags_index = names.index("nparams"), names.index("flags") if "flags" in names else None
    type_ = procedure.ret.fields[0][1]
    limit, typed = array_limit(procedure), isinstance(type_, Params)
    counted = len(procedure.ret.fields) == 2
    drop = without(index)

    def arguments(args: Args) -> Args:
        check_size("nparams", args[index], limit)
        if typed and flags_index is not None:
            flags = args[flags_index] & ~TypedParameterFlags.PARAM_STRING_OKAY
            args = (*args[:flags_index], flags, *args[flags_index + 1 :])
        return drop(args)

    def fields(result: list[Any], args: Args) -> Fields:
        asked = args[index]
        if asked == 0:
            return [], len(result)
        result = result[:asked]
        if typed:
            result = readable(result, 0 if flags_index is None else args[flags_index])
        return (result, 0) if counted else (result,)

    return Adaptor(len(names) - 1, arguments, fields)
