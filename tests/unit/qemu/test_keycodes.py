# SPDX-License-Identifier: LGPL-2.1-or-later
"""Key numbers from one world to another."""

import pytest

from drivers.qemu.keycodes import to_qnum
from virtd.enums import KeycodeSet
from virtd.errors import VirtError


@pytest.mark.parametrize(
    ("codeset", "code", "qnum"),
    [
        (KeycodeSet.LINUX, 1, 1),  # escape
        (KeycodeSet.LINUX, 30, 30),  # A
        (KeycodeSet.LINUX, 103, 0xC8),  # up
        (KeycodeSet.LINUX, 111, 0xD3),  # delete
        (KeycodeSet.USB, 4, 30),  # A
        (KeycodeSet.USB, 0x28, 28),  # enter
        (KeycodeSet.USB, 0x4C, 0xD3),  # delete
        (KeycodeSet.USB, 0x52, 0xC8),  # up
        (KeycodeSet.USB, 0xE4, 0x9D),  # right control
        (KeycodeSet.LINUX, 119, 0xC6),  # pause
        (KeycodeSet.LINUX, 190, 0x5A),  # F20
        (KeycodeSet.XT, 30, 30),
        (KeycodeSet.XT, 0xE048, 0xC8),  # up
        (KeycodeSet.ATSET1, 0xE01D, 0x9D),  # right control
        (KeycodeSet.ATSET2, 0x1C, 30),  # A
        (KeycodeSet.ATSET2, 0xE075, 0xC8),  # up
        (KeycodeSet.ATSET3, 0x1C, 30),
        (KeycodeSet.ATSET3, 0x63, 0xC8),
        (KeycodeSet.OSX, 0, 30),
        (KeycodeSet.OSX, 0x7E, 0xC8),
        (KeycodeSet.XT_KBD, 0x148, 0xC8),
        (KeycodeSet.WIN32, ord("A"), 30),
        (KeycodeSet.WIN32, 0x26, 0xC8),
        (KeycodeSet.QNUM, 0xDB, 0xDB),
    ],
)
def test_a_key(codeset: int, code: int, qnum: int):
    assert to_qnum(codeset, code) == qnum


@pytest.mark.parametrize(
    ("codeset", "code", "name"),
    [
        (KeycodeSet.LINUX, 9999, "linux"),
        (KeycodeSet.LINUX, 0, "linux"),
        (KeycodeSet.XT, 0xC8, "xt"),
        (KeycodeSet.ATSET2, 2, "atset2"),
        (KeycodeSet.WIN32, 3, "win32"),
        (KeycodeSet.USB, 3, "usb"),
        (KeycodeSet.QNUM, 300, "qnum"),
    ],
)
def test_no_such_key(codeset: int, code: int, name: str):
    with pytest.raises(VirtError, match=f"cannot translate keycode {code} of {name} codeset to qnum keycode"):
        to_qnum(codeset, code)
