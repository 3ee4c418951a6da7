# SPDX-License-Identifier: LGPL-2.1-or-later
"""Key numbers of `virKeycodeSet` as QEMU's: the PC's first scan codes, extended ones with the eighth bit."""

from __future__ import annotations

from functools import cache

from drivers.qemu.keytables import RUNS
from virtd.enums import KeycodeSet
from virtd.errors import Code, VirtError

CODESETS = 10
_NAMES = ("linux", "xt", "atset1", "atset2", "atset3", "osx", "xt_kbd", "usb", "win32", "qnum")

#: Sets of the PC's first scan codes → what they add to the number of an extended key.
_PREFIXES = {KeycodeSet.XT: 0xE000, KeycodeSet.ATSET1: 0xE000, KeycodeSet.XT_KBD: 0x100}
_EXTENDED = 0x80


def to_qnum(codeset: int, code: int) -> int:
    """QEMU's number of a key.

    Raises:
        VirtError: INTERNAL_ERROR, the set has no such key, or QEMU has not.
    """
    known = code < 0x100 if codeset == KeycodeSet.QNUM else code in _table(codeset)
    if not known:
        text = f"cannot translate keycode {code} of {_NAMES[codeset]} codeset to qnum keycode"
        raise VirtError(Code.INTERNAL_ERROR, text)
    return code if codeset == KeycodeSet.QNUM else _table(codeset)[code]


@cache
def _table(codeset: int) -> dict[int, int]:
    """The set's number of each key → QEMU's."""
    if codeset in _PREFIXES:
        return {_with_prefix(qnum, _PREFIXES[codeset]): qnum for qnum in _table(KeycodeSet.LINUX).values()}
    runs = ((first, bytes.fromhex(run)) for first, run in RUNS[codeset].items())
    return {first + step: qnum for first, run in runs for step, qnum in enumerate(run) if qnum}


def _with_prefix(qnum: int, prefix: int) -> int:
    return prefix | (qnum & ~_EXTENDED) if qnum & _EXTENDED else qnum
