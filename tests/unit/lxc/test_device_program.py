# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program that tells which devices a container may use, run by a small machine of the test's own."""

from __future__ import annotations

import struct

import pytest

from drivers.lxc.runtime.cgroup import DeviceRule
from drivers.lxc.runtime.deviceprogram import compile_rules

READ, WRITE, MKNOD = 2, 4, 1
BLOCK, CHAR = 1, 2


def run(program: bytes, kind: int, access: int, major: int, minor: int) -> bool:
    """Carry the program out as the kernel would."""
    context = struct.pack("=III", access << 16 | kind, major, minor)
    code = [struct.unpack_from("=BBhi", program, at) for at in range(0, len(program), 8)]
    registers, at = [0] * 11, 0
    while True:
        operation, places, offset, value = code[at]
        to, source = places & 15, places >> 4
        at += 1
        if operation == 0x61:
            assert source == 1
            registers[to] = struct.unpack_from("=I", context, offset)[0]
        elif operation == 0xBF:
            registers[to] = registers[source]
        elif operation == 0x57:
            registers[to] &= value
        elif operation == 0xB7:
            registers[to] = value
        elif operation == 0x77:
            registers[to] >>= value
        elif operation == 0x55:
            at += offset if registers[to] != value else 0
        else:
            assert operation == 0x95
            return bool(registers[0])


RULES = [DeviceRule("c", 1, 3), DeviceRule("c", 136, None), DeviceRule("b", 8, 1, "rm"), DeviceRule("b", 7, 0, "r")]


@pytest.mark.parametrize(
    ("kind", "access", "major", "minor", "allowed"),
    [
        (CHAR, READ | WRITE, 1, 3, True),
        (CHAR, MKNOD, 1, 3, True),
        (CHAR, READ, 1, 5, False),
        (BLOCK, READ, 1, 3, False),
        (CHAR, WRITE, 136, 77, True),
        (BLOCK, READ, 8, 1, True),
        (BLOCK, MKNOD | READ, 8, 1, True),
        (BLOCK, WRITE, 8, 1, False),
        (BLOCK, READ | WRITE, 8, 1, False),
        (BLOCK, READ, 7, 0, True),
        (BLOCK, MKNOD, 7, 0, False),
    ],
)
def test_exactly_what_the_rules_allow(kind: int, access: int, major: int, minor: int, allowed: bool):
    assert run(compile_rules(RULES), kind, access, major, minor) is allowed


def test_without_rules_nothing_is_allowed():
    assert not run(compile_rules([]), CHAR, READ, 1, 3)
