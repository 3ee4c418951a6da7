# SPDX-License-Identifier: LGPL-2.1-or-later
"""What libvirt's public functions refuse of their arguments, before any driver sees them.

Stock clients check the same before they send; a daemon must not rely on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from virtd.calls import current_call
from virtd.dispatch.sources import api_source
from virtd.enums import DomainAuthorizedSSHKeysSetFlags as Keys
from virtd.enums import DomainBlockRebaseFlags as Rebase
from virtd.enums import DomainMetadataType as Metadata
from virtd.errors import ArgumentError, Code, From, VirtError
from virtd.wire.programs import Procedure

#: Takes a call's arguments; raises VirtError.
Check = Callable[[tuple[Any, ...]], None]

# Empty, zero and negative arguments --------------------------------------------------------------

_NULL = "must not be NULL"
_ZERO = "must not be zero"
_POSITIVE = "must be greater than zero"
_NATURAL = "must be zero or greater"

#: Complaint → when it is due; a list or bytes count by their length.
_WRONG: dict[str, Callable[[Any], bool]] = {
    _NULL: lambda value: not value and value != "",
    _ZERO: lambda value: not value,
    _POSITIVE: lambda value: not value or (isinstance(value, int) and value < 0),
    _NATURAL: lambda value: value < 0,
}

#: (procedure, argument, its name in the message, complaint)
_NEEDED = (
    ("CONNECT_BASELINE_CPU", "xml_cpus", "xmlCPUs", _NULL),
    ("CONNECT_BASELINE_HYPERVISOR_CPU", "xml_cpus", "xmlCPUs", _NULL),
    ("DOMAIN_ATTACH", "pid_value", "pid_value", _ZERO),
    ("DOMAIN_DEL_IOTHREAD", "iothread_id", "iothread_id", _ZERO),
    ("DOMAIN_GET_EMULATOR_PIN_INFO", "maplen", "cpumap", _NULL),
    ("DOMAIN_GET_SCHEDULER_PARAMETERS", "nparams", "params", _NULL),
    ("DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS", "nparams", "params", _NULL),
    ("DOMAIN_GET_VCPUS", "maxinfo", "info", _NULL),
    ("DOMAIN_GET_VCPU_PIN_INFO", "ncpumaps", "ncpumaps", _POSITIVE),
    ("DOMAIN_GET_VCPU_PIN_INFO", "maplen", "cpumaps", _NULL),
    ("DOMAIN_PIN_EMULATOR", "cpumap", "cpumap", _NULL),
    ("DOMAIN_PIN_IOTHREAD", "cpumap", "cpumap", _NULL),
    ("DOMAIN_PIN_VCPU", "cpumap", "cpumap", _NULL),
    ("DOMAIN_PIN_VCPU_FLAGS", "cpumap", "cpumap", _NULL),
    ("DOMAIN_RENAME", "new_name", "new_name", _NULL),
    ("DOMAIN_SEND_KEY", "keycodes", "keycodes", _NULL),
    ("DOMAIN_SEND_PROCESS_SIGNAL", "pid_value", "pid_value", _ZERO),
    ("DOMAIN_SET_BLKIO_PARAMETERS", "params", "params", _NULL),
    ("DOMAIN_SET_BLOCK_IO_TUNE", "params", "nparams", _POSITIVE),
    ("DOMAIN_SET_INTERFACE_PARAMETERS", "params", "params", _NULL),
    ("DOMAIN_SET_IOTHREAD_PARAMS", "params", "params", _NULL),
    ("DOMAIN_SET_LAUNCH_SECURITY_STATE", "params", "params", _NULL),
    ("DOMAIN_SET_MAX_MEMORY", "memory", "memory", _ZERO),
    ("DOMAIN_SET_MEMORY", "memory", "memory", _ZERO),
    ("DOMAIN_SET_MEMORY_FLAGS", "memory", "memory", _ZERO),
    ("DOMAIN_SET_MEMORY_PARAMETERS", "params", "params", _NULL),
    ("DOMAIN_SET_NUMA_PARAMETERS", "params", "params", _NULL),
    ("DOMAIN_SET_PERF_EVENTS", "params", "params", _NULL),
    ("DOMAIN_SET_SCHEDULER_PARAMETERS", "params", "params", _NULL),
    ("DOMAIN_SET_SCHEDULER_PARAMETERS_FLAGS", "params", "params", _NULL),
    ("DOMAIN_SET_USER_PASSWORD", "user", "user", _NULL),
    ("DOMAIN_SET_USER_PASSWORD", "password", "password", _NULL),
    ("DOMAIN_SET_VCPUS", "nvcpus", "nvcpus", _ZERO),
    ("DOMAIN_SET_VCPUS_FLAGS", "nvcpus", "nvcpus", _ZERO),
    ("NODE_ALLOC_PAGES", "page_sizes", "npages", _ZERO),
    ("NODE_GET_CELLS_FREE_MEMORY", "maxcells", "maxCells", _POSITIVE),
    ("NODE_GET_CELLS_FREE_MEMORY", "start_cell", "startCell", _NATURAL),
    ("NODE_GET_FREE_PAGES", "pages", "npages", _ZERO),
    ("NODE_SET_MEMORY_PARAMETERS", "params", "params", _NULL),
    ("SECRET_SET_VALUE", "value", "value", _NULL),
)


def _needed_check(procedure: Procedure, argument: str, shown: str, complaint: str) -> Check:
    index = procedure.args.field_names.index(argument)
    wrong = _WRONG[complaint]

    def check(args: tuple[Any, ...]) -> None:
        if wrong(args[index]):
            raise _refused(procedure, shown, f"{shown} in {procedure.api} {complaint}")

    return check


def _refused(procedure: Procedure, argument: str, text: str) -> ArgumentError:
    return ArgumentError(procedure.api, argument, text, source=api_source(procedure))


# Flags that go together or do not ----------------------------------------------------------------

#: (name, bit, name, bit)
_Pair = tuple[str, int, str, int]

_LIVE_CONFIG = ("VIR_DOMAIN_AFFECT_LIVE", 1, "VIR_DOMAIN_AFFECT_CONFIG", 2)
_RUNNING_PAUSED = ("VIR_DOMAIN_SAVE_RUNNING", 2, "VIR_DOMAIN_SAVE_PAUSED", 4)
_DUMP = (
    ("VIR_DUMP_CRASH", 1, "VIR_DUMP_LIVE", 2),
    ("VIR_DUMP_CRASH", 1, "VIR_DUMP_RESET", 8),
    ("VIR_DUMP_LIVE", 2, "VIR_DUMP_RESET", 8),
)
_SNAPSHOT, _CHECKPOINT = "VIR_DOMAIN_SNAPSHOT_", "VIR_DOMAIN_CHECKPOINT_"

_EXCLUSIVE: dict[str, tuple[_Pair, ...]] = {
    "DOMAIN_AUTHORIZED_SSH_KEYS_SET": (
        ("VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND", 1, "VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE", 2),
    ),
    "DOMAIN_CHECKPOINT_CREATE_XML": ((f"{_CHECKPOINT}CREATE_REDEFINE", 1, f"{_CHECKPOINT}CREATE_QUIESCE", 2),),
    "DOMAIN_CHECKPOINT_DELETE": ((f"{_CHECKPOINT}DELETE_CHILDREN", 1, f"{_CHECKPOINT}DELETE_CHILDREN_ONLY", 4),),
    "DOMAIN_CORE_DUMP": _DUMP,
    "DOMAIN_CORE_DUMP_WITH_FORMAT": _DUMP,
    "DOMAIN_GET_BLKIO_PARAMETERS": (_LIVE_CONFIG,),
    "DOMAIN_GET_BLOCK_IO_TUNE": (_LIVE_CONFIG,),
    "DOMAIN_GET_EMULATOR_PIN_INFO": (_LIVE_CONFIG,),
    "DOMAIN_GET_IOTHREAD_INFO": (_LIVE_CONFIG,),
    "DOMAIN_GET_MEMORY_PARAMETERS": (_LIVE_CONFIG,),
    "DOMAIN_GET_METADATA": (_LIVE_CONFIG,),
    "DOMAIN_GET_SCHEDULER_PARAMETERS_FLAGS": (_LIVE_CONFIG,),
    "DOMAIN_GET_VCPUS_FLAGS": (_LIVE_CONFIG,),
    "DOMAIN_GET_VCPU_PIN_INFO": (_LIVE_CONFIG,),
    "DOMAIN_MANAGED_SAVE": (_RUNNING_PAUSED,),
    "DOMAIN_MANAGED_SAVE_DEFINE_XML": (_RUNNING_PAUSED,),
    "DOMAIN_MEMORY_PEEK": (("VIR_MEMORY_VIRTUAL", 1, "VIR_MEMORY_PHYSICAL", 2),),
    "DOMAIN_RESTORE_FLAGS": (_RUNNING_PAUSED,),
    "DOMAIN_RESTORE_PARAMS": (_RUNNING_PAUSED,),
    "DOMAIN_REVERT_TO_SNAPSHOT": ((f"{_SNAPSHOT}REVERT_RUNNING", 1, f"{_SNAPSHOT}REVERT_PAUSED", 2),),
    "DOMAIN_SAVE_FLAGS": (_RUNNING_PAUSED,),
    "DOMAIN_SAVE_IMAGE_DEFINE_XML": (_RUNNING_PAUSED,),
    "DOMAIN_SAVE_PARAMS": (_RUNNING_PAUSED,),
    "DOMAIN_SET_VCPUS_FLAGS": (("VIR_DOMAIN_VCPU_GUEST", 8, "VIR_DOMAIN_AFFECT_CONFIG", 2),),
    "DOMAIN_SNAPSHOT_CREATE_XML": (
        (f"{_SNAPSHOT}CREATE_REDEFINE", 1, f"{_SNAPSHOT}CREATE_NO_METADATA", 4),
        (f"{_SNAPSHOT}CREATE_REDEFINE", 1, f"{_SNAPSHOT}CREATE_HALT", 8),
    ),
    "DOMAIN_SNAPSHOT_DELETE": ((f"{_SNAPSHOT}DELETE_CHILDREN", 1, f"{_SNAPSHOT}DELETE_CHILDREN_ONLY", 4),),
    "DOMAIN_START_DIRTY_RATE_CALC": (
        ("VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP", 1, "VIR_DOMAIN_DIRTYRATE_MODE_DIRTY_RING", 2),
    ),
}

#: The second flag is required by the first.
_REQUIRED: dict[str, _Pair] = {
    "DOMAIN_CHECKPOINT_CREATE_XML": (
        f"{_CHECKPOINT}CREATE_REDEFINE_VALIDATE", 4, f"{_CHECKPOINT}CREATE_REDEFINE", 1,
    ),
    "DOMAIN_GET_JOB_STATS": ("VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED", 2, "VIR_DOMAIN_JOB_STATS_COMPLETED", 1),
    "DOMAIN_SET_VCPUS_FLAGS": ("VIR_DOMAIN_VCPU_MAXIMUM", 4, "VIR_DOMAIN_AFFECT_CONFIG", 2),
    "DOMAIN_SNAPSHOT_CREATE_XML": (f"{_SNAPSHOT}CREATE_CURRENT", 2, f"{_SNAPSHOT}CREATE_REDEFINE", 1),
}  # fmt: skip


def _exclusive_check(procedure: Procedure, pairs: tuple[_Pair, ...]) -> Check:
    flags = procedure.args.field_names.index("flags")

    def check(args: tuple[Any, ...]) -> None:
        for name, bit, other_name, other_bit in pairs:
            if args[flags] & bit and args[flags] & other_bit:
                raise _refused(procedure, "ctl", f"Flags '{name}' and '{other_name}' are mutually exclusive")

    return check


def _required_check(procedure: Procedure, pair: _Pair) -> Check:
    flags = procedure.args.field_names.index("flags")
    name, bit, required, required_bit = pair

    def check(args: tuple[Any, ...]) -> None:
        if args[flags] & bit and not args[flags] & required_bit:
            raise _refused(procedure, "ctl", f"Flag '{required}' is required by flag '{name}'")

    return check


# Arguments that depend on each other -------------------------------------------------------------


def _check_set_metadata(procedure: Procedure, args: tuple[Any, ...]) -> None:
    _dom, type_, metadata, key, uri, _flags = args
    if type_ == Metadata.TITLE and metadata and "\n" in metadata:
        raise _refused(procedure, "metadata", "metadata title can't contain newlines")
    _check_uri(procedure, type_, uri)
    if type_ in (Metadata.TITLE, Metadata.DESCRIPTION) and key is not None:
        raise _refused(procedure, "key", f"key in {procedure.api} must be NULL")
    if type_ == Metadata.ELEMENT and metadata is not None and key is None:
        raise _refused(procedure, "key", f"key in {procedure.api} must not be NULL")


def _check_get_metadata(procedure: Procedure, args: tuple[Any, ...]) -> None:
    _dom, type_, uri, _flags = args
    _check_uri(procedure, type_, uri)


def _check_uri(procedure: Procedure, type_: int, uri: str | None) -> None:
    if type_ in (Metadata.TITLE, Metadata.DESCRIPTION) and uri is not None:
        raise _refused(procedure, "uri", f"uri in {procedure.api} must be NULL")
    if type_ == Metadata.ELEMENT and uri is None:
        raise _refused(procedure, "uri", f"uri in {procedure.api} must not be NULL")


def _check_block_rebase(procedure: Procedure, args: tuple[Any, ...]) -> None:
    _dom, _path, base, _bandwidth, flags = args
    if flags & Rebase.COPY:
        if base is None:
            raise _refused(procedure, "base", f"base in {procedure.api} must not be NULL")
    elif flags & (Rebase.SHALLOW | Rebase.REUSE_EXT | Rebase.COPY_RAW | Rebase.COPY_DEV):
        raise _refused(procedure, "flags", "use of flags requires a copy job")


def _check_ssh_keys(procedure: Procedure, args: tuple[Any, ...]) -> None:
    _dom, _user, keys, flags = args
    if flags & (Keys.APPEND | Keys.REMOVE) and not keys:
        raise _refused(procedure, "keys", f"keys in {procedure.api} must not be NULL")


def _check_io_tune_disk(procedure: Procedure, args: tuple[Any, ...]) -> None:
    _dom, disk, nparams, _flags = args
    if nparams and disk is None:
        raise _refused(procedure, "disk", f"disk in {procedure.api} must not be NULL")


def _check_graphics_descriptor(_procedure: Procedure, _args: tuple[Any, ...]) -> None:
    if not current_call.get().fds:
        raise VirtError(Code.INTERNAL_ERROR, "No FD available at slot 0", source=From.RPC)


def _check_associated_descriptors(procedure: Procedure, _args: tuple[Any, ...]) -> None:
    if not current_call.get().fds:
        raise _refused(procedure, "nfds", f"nfds in {procedure.api} must not be zero")


_SPECIAL: dict[str, Callable[[Procedure, tuple[Any, ...]], None]] = {
    "DOMAIN_AUTHORIZED_SSH_KEYS_SET": _check_ssh_keys,
    "DOMAIN_BLOCK_REBASE": _check_block_rebase,
    "DOMAIN_FD_ASSOCIATE": _check_associated_descriptors,
    "DOMAIN_GET_BLOCK_IO_TUNE": _check_io_tune_disk,
    "DOMAIN_GET_METADATA": _check_get_metadata,
    "DOMAIN_OPEN_GRAPHICS": _check_graphics_descriptor,
    "DOMAIN_SET_METADATA": _check_set_metadata,
}


def argument_checks(procedure: Procedure) -> Iterator[Check]:
    """What to call with the arguments of `procedure`, in turn."""
    name = procedure.name
    for needing, argument, shown, complaint in _NEEDED:
        if needing == name:
            yield _needed_check(procedure, argument, shown, complaint)
    if special := _SPECIAL.get(name):
        yield lambda args: special(procedure, args)
    if name in _REQUIRED:
        yield _required_check(procedure, _REQUIRED[name])
    if name in _EXCLUSIVE:
        yield _exclusive_check(procedure, _EXCLUSIVE[name])
