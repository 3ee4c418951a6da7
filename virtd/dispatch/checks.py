# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is refused before any driver is asked: read-only callers, empty arguments, missing descriptors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virtd.calls import current_call
from virtd.dispatch.sources import api_source
from virtd.errors import ArgumentError, Code, From, VirtError
from virtd.wire.programs import Procedure, WriteAccess

#: From decoded arguments to the reply's fields, or an awaitable of them, or WithFds or WithStream around them.
Handler = Callable[..., Any]

Check = Callable[[tuple[Any, ...]], None]

_NULL = "must not be NULL"
_ZERO = "must not be zero"

#: Procedure → (argument, its name in the message, what is wrong when it is zero or empty).
_NEEDED = {
    "CONNECT_BASELINE_CPU": ("xml_cpus", "xmlCPUs", _NULL),
    "CONNECT_BASELINE_HYPERVISOR_CPU": ("xml_cpus", "xmlCPUs", _NULL),
    "DOMAIN_ATTACH": ("pid_value", "pid_value", _ZERO),
    "DOMAIN_DEL_IOTHREAD": ("iothread_id", "iothread_id", _ZERO),
    "DOMAIN_GET_EMULATOR_PIN_INFO": ("maplen", "cpumap", _NULL),
    "DOMAIN_GET_SCHEDULER_PARAMETERS": ("nparams", "params", _NULL),
    "DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS": ("nparams", "params", _NULL),
    "DOMAIN_GET_VCPUS": ("maxinfo", "info", _NULL),
    "DOMAIN_GET_VCPU_PIN_INFO": ("ncpumaps", "ncpumaps", "must be greater than zero"),
    "DOMAIN_PIN_EMULATOR": ("cpumap", "cpumap", _NULL),
    "DOMAIN_PIN_IOTHREAD": ("cpumap", "cpumap", _NULL),
    "DOMAIN_PIN_VCPU": ("cpumap", "cpumap", _NULL),
    "DOMAIN_PIN_VCPU_FLAGS": ("cpumap", "cpumap", _NULL),
    "DOMAIN_RENAME": ("new_name", "new_name", _NULL),
    "DOMAIN_SEND_KEY": ("keycodes", "keycodes", _NULL),
    "DOMAIN_SEND_PROCESS_SIGNAL": ("pid_value", "pid_value", _ZERO),
    "DOMAIN_SET_BLKIO_PARAMETERS": ("params", "params", _NULL),
    "DOMAIN_SET_BLOCK_IO_TUNE": ("params", "nparams", "must be greater than zero"),
    "DOMAIN_SET_INTERFACE_PARAMETERS": ("params", "params", _NULL),
    "DOMAIN_SET_IOTHREAD_PARAMS": ("params", "params", _NULL),
    "DOMAIN_SET_LAUNCH_SECURITY_STATE": ("params", "params", _NULL),
    "DOMAIN_SET_MAX_MEMORY": ("memory", "memory", _ZERO),
    "DOMAIN_SET_MEMORY": ("memory", "memory", _ZERO),
    "DOMAIN_SET_MEMORY_FLAGS": ("memory", "memory", _ZERO),
    "DOMAIN_SET_MEMORY_PARAMETERS": ("params", "params", _NULL),
    "DOMAIN_SET_NUMA_PARAMETERS": ("params", "params", _NULL),
    "DOMAIN_SET_PERF_EVENTS": ("params", "params", _NULL),
    "DOMAIN_SET_SCHEDULER_PARAMETERS": ("params", "params", _NULL),
    "DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS": ("params", "params", _NULL),
    "DOMAIN_SET_USER_PASSWORD": ("user", "user", _NULL),
    "DOMAIN_SET_VCPUS": ("nvcpus", "nvcpus", _ZERO),
    "DOMAIN_SET_VCPUS_FLAGS": ("nvcpus", "nvcpus", _ZERO),
    "NODE_ALLOC_PAGES": ("page_sizes", "npages", _ZERO),
    "NODE_GET_CELLS_FREE_MEMORY": ("maxcells", "maxCells", "must be greater than zero"),
    "NODE_GET_FREE_PAGES": ("pages", "npages", _ZERO),
    "NODE_SET_MEMORY_PARAMETERS": ("params", "params", _NULL),
    "SECRET_SET_VALUE": ("value", "value", _NULL),
}


#: What is said when a call comes without the descriptor it is about.
_NO_DESCRIPTOR: dict[str, Callable[[], VirtError]] = {
    "DOMAIN_OPEN_GRAPHICS": lambda: VirtError(Code.INTERNAL_ERROR, "No FD available at slot 0", source=From.RPC),
    "DOMAIN_FD_ASSOCIATE": lambda: ArgumentError(
        "virDomainFDAssociate", "nfds", "nfds in virDomainFDAssociate must not be zero", source=From.DOMAIN
    ),
}


def checked(procedure: Procedure, handler: Handler) -> Handler:
    """`handler`, which takes the arguments of `procedure`, with what has to be checked before it."""
    checks = []
    if procedure.name in _NO_DESCRIPTOR:
        checks.append(_descriptor_check(_NO_DESCRIPTOR[procedure.name]))
    if procedure.write_access:
        checks.append(_access_check(procedure, procedure.write_access))
    if procedure.name in _NEEDED:
        checks.append(_needed_check(procedure, *_NEEDED[procedure.name]))
    if not checks:
        return handler

    def check_first(*args: Any) -> Any:
        for check in checks:
            check(args)
        return handler(*args)

    return check_first


def _descriptor_check(error: Callable[[], VirtError]) -> Check:
    def check(_args: tuple[Any, ...]) -> None:
        if not current_call.get().fds:
            raise error()

    return check


def _access_check(procedure: Procedure, access: WriteAccess) -> Check:
    what = f"{procedure.api} with secure flag" if access.secure else f"read only access prevents {procedure.api}"
    source = api_source(procedure)

    def check(args: tuple[Any, ...]) -> None:
        if current_call.get().connection.readonly and access.refuses(args):
            raise VirtError(Code.OPERATION_DENIED, what, source=source)

    return check


def _needed_check(procedure: Procedure, argument: str, shown: str, complaint: str) -> Check:
    index = procedure.args.field_names.index(argument)
    text = f"{shown} in {procedure.api} {complaint}"
    source = api_source(procedure)

    def check(args: tuple[Any, ...]) -> None:
        if args[index] is None or args[index] in (0, b"", []):
            raise ArgumentError(procedure.api, shown, text, source=source)

    return check
