# SPDX-License-Identifier: LGPL-2.1-or-later
"""The procedures whose wire form follows no rule: a small function or two each.

What their methods get and return stands in docs/architecture.md, "The call contract".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from virtd.dispatch.shapes import Adaptor, Args, Fields, array_limit, check_size, readable, regular_adaptor, too_many
from virtd.enums import TypedParameterFlags
from virtd.errors import ArgumentError, From
from virtd.params import TypedParam
from virtd.wire.programs import REMOTE, Procedure

_LIMITS = REMOTE.limits

_ADAPTORS: dict[str, Callable[[Procedure], Adaptor]] = {}


def adaptor(procedure: Procedure) -> Adaptor:
    """How `procedure` is put to a driver's method."""
    make = _ADAPTORS.get(procedure.name, regular_adaptor) if procedure.program == REMOTE.number else regular_adaptor
    return make(procedure)


def _irregular(
    *names: str,
) -> Callable[[Callable[[Procedure], Adaptor]], Callable[[Procedure], Adaptor]]:
    """Decorator: this makes the adaptor of these procedures."""

    def register(make: Callable[[Procedure], Adaptor]) -> Callable[[Procedure], Adaptor]:
        _ADAPTORS.update(dict.fromkeys(names, make))
        return make

    return register


# CPU maps ---------------------------------------------------------------------------------------


def _fit(cpumap: bytes, length: int) -> bytes:
    """A CPU map cut or filled up to `length` bytes."""
    return cpumap[:length].ljust(length, b"\0")


def _join(cpumaps: Sequence[bytes], length: int, count: int) -> bytes:
    """`count` maps of `length` bytes; there may be fewer."""
    return b"".join(_fit(cpumap, length) for cpumap in cpumaps).ljust(length * count, b"\0")


def _check_maps(name: str, count: int, length: int) -> None:
    if count < 0:
        raise too_many(f"{name} must be non-negative")
    if count > _LIMITS["VCPUINFO_MAX"]:
        raise too_many(f"{name} > REMOTE_VCPUINFO_MAX")
    if length < 0 or count * length > _LIMITS["CPUMAPS_MAX"]:
        raise too_many(f"{name} * maplen > REMOTE_CPUMAPS_MAX")


@_irregular("DOMAIN_GET_VCPUS")
def _vcpus(_procedure: Procedure) -> Adaptor:
    """(dom) → [(number, state, cpu_time, cpu, cpumap)]."""

    def arguments(args: Args) -> Args:
        dom, most, length = args
        _check_maps("maxinfo", most, length)
        return (dom,)

    def fields(result: Sequence[tuple[int, int, int, int, bytes]], args: Args) -> Fields:
        _dom, most, length = args
        shown = result[:most]
        return [vcpu[:4] for vcpu in shown], _join([vcpu[4] for vcpu in shown], length, most)

    return Adaptor(1, arguments, fields)


@_irregular("DOMAIN_GET_VCPU_PIN_INFO")
def _vcpu_pins(_procedure: Procedure) -> Adaptor:
    """(dom, flags) → [cpumap]."""

    def arguments(args: Args) -> Args:
        dom, most, length, flags = args
        _check_maps("ncpumaps", most, length)
        return dom, flags

    def fields(result: Sequence[bytes], args: Args) -> Fields:
        _dom, most, length, _flags = args
        shown = result[:most]
        return _join(shown, length, most), len(shown)

    return Adaptor(2, arguments, fields)


@_irregular("DOMAIN_GET_EMULATOR_PIN_INFO")
def _emulator_pin(_procedure: Procedure) -> Adaptor:
    """(dom, flags) → cpumap."""

    def arguments(args: Args) -> Args:
        dom, length, flags = args
        if not 0 <= length <= _LIMITS["CPUMAPS_MAX"]:
            raise too_many("maplen > REMOTE_CPUMAPS_MAX")
        return dom, flags

    return Adaptor(2, arguments, lambda result, args: (_fit(result, args[1]), 1))


@_irregular("NODE_GET_CPU_MAP")
def _cpu_map(_procedure: Procedure) -> Adaptor:
    """(flags) → (cpumap of those online, their number, number of CPUs)."""

    def fields(result: tuple[bytes, int, int], args: Args) -> Fields:
        need_map, need_online, _flags = args
        cpumap, online, count = result
        return cpumap if need_map else b"", online if need_online else 0, count

    return Adaptor(1, lambda args: args[2:], fields)


# Statistics -------------------------------------------------------------------------------------


@_irregular("DOMAIN_GET_CPU_STATS")
def _cpu_stats(procedure: Procedure) -> Adaptor:
    """(dom, start_cpu, ncpus, flags) → [[TypedParam]], a list each CPU.

    `start_cpu` -1 asks for one list, the totals; `ncpus` 0 for all CPUs from `start_cpu` on.
    """

    def arguments(args: Args) -> Args:
        dom, nparams, start_cpu, ncpus, flags = args
        check_size("nparams", nparams, _LIMITS["DOMAIN_GET_CPU_STATS_MAX"])
        check_size("ncpus", ncpus, _LIMITS["DOMAIN_GET_CPU_STATS_NCPUS_MAX"])
        check_size("nparams", nparams * ncpus, _LIMITS["DOMAIN_GET_CPU_STATS_MAX"])
        _check_cpu_range(procedure.api, nparams, start_cpu, ncpus)
        return dom, start_cpu, ncpus, flags & ~TypedParameterFlags.PARAM_STRING_OKAY

    def fields(result: Sequence[list[TypedParam]], args: Args) -> Fields:
        _dom, nparams, _start_cpu, ncpus, flags = args
        if nparams == 0:
            return [], len(result) if ncpus == 0 else max(map(len, result), default=0)
        shown = [readable(params[:nparams], flags) for params in result[:ncpus]]
        return [param for params in shown for param in params], max(map(len, shown), default=0)

    return Adaptor(4, arguments, fields)


def _check_cpu_range(api: str, nparams: int, start_cpu: int, ncpus: int) -> None:
    if start_cpu < -1:
        raise ArgumentError(api, "start_cpu", f"start_cpu in {api} must be zero or greater", source=From.DOMAIN)
    if start_cpu == -1 and ncpus != 1:
        raise ArgumentError(api, "start_cpu", "ncpus must be 1 when start_cpu is -1", source=From.DOMAIN)
    if nparams and not ncpus:
        raise ArgumentError(api, "params", f"params in {api} must not be NULL", source=From.DOMAIN)


@_irregular("NODE_GET_CPU_STATS", "NODE_GET_MEMORY_STATS")
def _node_stats(procedure: Procedure) -> Adaptor:
    """(cpu_num or cell_num, flags) → [(field, value)]; a caller must ask for exactly as many as there are."""
    regular = regular_adaptor(procedure)
    index = procedure.args.field_names.index("nparams")
    function, argument, rule = {
        "NODE_GET_CPU_STATS": ("virHostCPUGetStatsLinux", "*nparams", "must be equal to"),
        "NODE_GET_MEMORY_STATS": ("virHostMemGetStatsLinux", "nparams", "must be"),
    }[procedure.name]

    def fields(result: Sequence[tuple[str, int]], args: Args) -> Fields:
        if args[index] not in (0, len(result)):
            text = f"nparams in {function} {rule} {len(result)}"
            raise ArgumentError(function, argument, text, source=From.NONE)
        return regular.fields(result, args)

    return Adaptor(regular.parameters, regular.arguments, fields)


@_irregular("DOMAIN_MEMORY_STATS")
def _memory_stats(procedure: Procedure) -> Adaptor:
    """(dom, flags) → [(tag, value)]."""
    limit = array_limit(procedure)

    def arguments(args: Args) -> Args:
        dom, most, flags = args
        if most > limit:
            raise too_many(f"maxStats > REMOTE_{limit.name}")
        return dom, flags

    return Adaptor(2, arguments, lambda result, args: (result[: args[1]],))


@_irregular("NODE_GET_FREE_PAGES")
def _free_pages(procedure: Procedure) -> Adaptor:
    """(pages, start_cell, cell_count, flags) → [count]."""
    regular = regular_adaptor(procedure)
    limit = array_limit(procedure)

    def arguments(args: Args) -> Args:
        pages, _start_cell, cell_count, _flags = args
        if len(pages) * cell_count > limit:
            raise too_many(f"the result won't fit into REMOTE_{limit.name}")
        return args

    return Adaptor(regular.parameters, arguments, regular.fields)


# Lists with a count of their own ----------------------------------------------------------------


@_irregular("DOMAIN_GET_FSINFO", "DOMAIN_GET_IOTHREAD_INFO", "DOMAIN_GET_SECURITY_LABEL_LIST")
def _counted(procedure: Procedure) -> Adaptor:
    """(…) → a list, whose length goes along."""
    convert = _label if procedure.name == "DOMAIN_GET_SECURITY_LABEL_LIST" else None

    def fields(result: Sequence[Any], _args: Args) -> Fields:
        entries = [convert(entry) for entry in result] if convert else result
        return entries, len(entries)

    return Adaptor(len(procedure.args.fields), None, fields)


@_irregular("DOMAIN_GET_DISK_ERRORS")
def _disk_errors(procedure: Procedure) -> Adaptor:
    """(dom, flags) → [(disk, virDomainDiskErrorCode)]."""
    limit = array_limit(procedure)

    def arguments(args: Args) -> Args:
        dom, most, flags = args
        check_size("maxerrors", most, limit)
        return dom, flags

    def fields(result: Sequence[tuple[str, int]], args: Args) -> Fields:
        shown = result[: args[1]]
        return shown, len(shown) if args[1] else len(result)

    return Adaptor(2, arguments, fields)


# Texts in arrays of char ------------------------------------------------------------------------


def _c_string(text: str) -> bytes:
    return text.encode() + b"\0"


def _label(label: tuple[str, int]) -> tuple[bytes, int]:
    text, enforcing = label
    return _c_string(text), enforcing


@_irregular("DOMAIN_GET_SECURITY_LABEL")
def _security_label(_procedure: Procedure) -> Adaptor:
    """(dom) → (label, enforcing)."""
    return Adaptor(1, None, lambda result, _args: _label(result))


@_irregular("NODE_GET_SECURITY_MODEL")
def _security_model(_procedure: Procedure) -> Adaptor:
    """() → (model, doi)."""
    return Adaptor(0, None, lambda result, _args: tuple(map(_c_string, result)))


@_irregular("NODE_GET_INFO")
def _node_info(_procedure: Procedure) -> Adaptor:
    """() → (model, memory in KiB, cpus, mhz, nodes, sockets, cores, threads)."""
    return Adaptor(0, None, lambda result, _args: (result[0].encode()[:31], *result[1:]))


# Others -----------------------------------------------------------------------------------------


@_irregular("DOMAIN_BLOCK_PEEK", "DOMAIN_MEMORY_PEEK")
def _peek(procedure: Procedure) -> Adaptor:
    """(dom, …, offset, size, flags) → bytes."""
    regular = regular_adaptor(procedure)
    limit = _LIMITS[f"{procedure.name}_BUFFER_MAX"]
    size = procedure.args.field_names.index("size")

    def arguments(args: Args) -> Args:
        if args[size] > limit:
            raise too_many("size > maximum buffer size")
        return args

    return Adaptor(regular.parameters, arguments, regular.fields)


@_irregular("DOMAIN_GET_BLOCK_JOB_INFO")
def _block_job_info(_procedure: Procedure) -> Adaptor:
    """(dom, path, flags) → (type, bandwidth, cur, end), or None where no job runs."""
    return Adaptor(3, None, lambda result, _args: (1, *result) if result else (0, 0, 0, 0, 0))


@_irregular("DOMAIN_RENAME", "DOMAIN_AGENT_SET_RESPONSE_TIMEOUT")
def _zero(procedure: Procedure) -> Adaptor:
    """(…) → nothing; the wire has a field for the 0 that C returns."""
    return Adaptor(len(procedure.args.fields), None, lambda _result, _args: (0,))
