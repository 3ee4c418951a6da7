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
        (KeycodeSet.XT, 30, 30),
        (KeycodeSet.QNUM, 0xDB, 0xDB),
    ],
)
def test_a_key(codeset: int, code: int, qnum: int):
    assert to_qnum(codeset, code) == qnum


@pytest.mark.parametrize(
    ("codeset", "code", "name"),
    [(KeycodeSet.LINUX, 9999, "linux"), (KeycodeSet.USB, 3, "usb"), (KeycodeSet.QNUM, 300, "qnum")],
)
def test_no_such_key(codeset: int, code: int, name: str):
    with pytest.raises(VirtError, match=f"cannot translate keycode {code} of {name} codeset to qnum keycode"):
        to_qnum(codeset, code)
