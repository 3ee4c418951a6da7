# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which devices a group of version 2 may use: a small program in the kernel that says so (BPF).

The kernel runs it for every open and mknod with the device's kind, numbers and the wanted access, and denies when it
answers 0.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.lxc.runtime.cgroup import DeviceRule

_NR_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361, "armv7l": 386, "i686": 357}
_PROG_LOAD, _PROG_ATTACH, _PROG_DETACH, _PROG_QUERY, _PROG_GET_FD_BY_ID = 5, 8, 9, 16, 13
_TYPE_CGROUP_DEVICE, _ATTACH_CGROUP_DEVICE = 15, 6
_ALLOW_MULTI = 2
_MAX_ATTACHED = 64

_ACCESS = {"m": 1, "r": 2, "w": 4}
_KINDS = {"b": 1, "c": 2}

#: Operation codes: load a word, copy, or-ed with a constant, jump unless equal, answer.
_LDX, _MOV_REG, _AND, _MOV, _RSH, _JNE, _EXIT = 0x61, 0xBF, 0x57, 0xB7, 0x77, 0x55, 0x95
_INSTRUCTION = struct.Struct("=BBhi")


def _instruction(code: int, to: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, source << 4 | to, offset, value)


def compile_rules(rules: Iterable[DeviceRule]) -> bytes:
    """The program that allows what any of the rules does.

    Registers: r1 the context, then r2 the kind, r3 the wanted access, r4 and r5 the numbers, r0 for the answer.
    """
    program = [
        _instruction(_LDX, 2, 1, 0),
        _instruction(_MOV_REG, 3, 2),
        _instruction(_AND, 2, value=0xFFFF),
        _instruction(_RSH, 3, value=16),
        _instruction(_LDX, 4, 1, 4),
        _instruction(_LDX, 5, 1, 8),
    ]
    for rule in rules:
        program += _rule(rule)
    program += [_instruction(_MOV, 0, value=0), _instruction(_EXIT)]
    return b"".join(program)


def _rule(rule: DeviceRule) -> list[bytes]:
    """Tests that leave to the next rule, then the answer "yes"."""
    refused = sum(_ACCESS.values()) & ~sum(_ACCESS[letter] for letter in rule.access)
    tests: list[tuple[list[bytes], int, int]] = []
    if rule.kind in _KINDS:
        tests.append(([], 2, _KINDS[rule.kind]))
    if refused:
        tests.append(([_instruction(_MOV_REG, 1, 3), _instruction(_AND, 1, value=refused)], 1, 0))
    if rule.major is not None:
        tests.append(([], 4, rule.major))
    if rule.minor is not None:
        tests.append(([], 5, rule.minor))
    code: list[bytes] = [_instruction(_MOV, 0, value=1), _instruction(_EXIT)]
    for before, register, value in reversed(tests):
        code = [*before, _instruction(_JNE, register, offset=len(code), value=value), *code]
    return code


def attach(group: Path, rules: list[DeviceRule]) -> None:
    """Let the group's processes use exactly what the rules allow; what was said before counts no more.

    Raises:
        OSError: the kernel refuses.
    """
    folder = os.open(group, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        before = _attached(folder)
        program = _load(compile_rules(rules))
        try:
            _bpf(_PROG_ATTACH, struct.pack("=IIII", folder, program, _ATTACH_CGROUP_DEVICE, _ALLOW_MULTI))
        finally:
            os.close(program)
        for number in before:
            _detach(folder, number)
    finally:
        os.close(folder)


def _load(program: bytes) -> int:
    code, licence = ctypes.create_string_buffer(program, len(program)), ctypes.create_string_buffer(b"GPL")
    count = len(program) // _INSTRUCTION.size
    where = ctypes.addressof(code), ctypes.addressof(licence)
    return _bpf(_PROG_LOAD, struct.pack("=IIQQ", _TYPE_CGROUP_DEVICE, count, *where))


def _attached(folder: int) -> list[int]:
    """The ids of the programs that the group has itself."""
    ids = (ctypes.c_uint32 * _MAX_ATTACHED)()
    question = bytearray(
        struct.pack("=IIIIQII", folder, _ATTACH_CGROUP_DEVICE, 0, 0, ctypes.addressof(ids), _MAX_ATTACHED, 0)
    )
    buffer = (ctypes.c_char * len(question)).from_buffer(question)
    _call(_PROG_QUERY, buffer, len(question))
    (count,) = struct.unpack_from("=I", question, 24)
    return list(ids[:count])


def _detach(folder: int, number: int) -> None:
    program = _bpf(_PROG_GET_FD_BY_ID, struct.pack("=III", number, 0, 0))
    try:
        _bpf(_PROG_DETACH, struct.pack("=III", folder, program, _ATTACH_CGROUP_DEVICE))
    finally:
        os.close(program)


def _bpf(command: int, attributes: bytes) -> int:
    padded = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    return _call(command, padded, len(padded))


def _call(command: int, attributes: ctypes.Array[ctypes.c_char], size: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(_NR_BPF[platform.machine()], command, attributes, ctypes.c_uint(size))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), "bpf")
    return result
