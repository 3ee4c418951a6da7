# SPDX-License-Identifier: LGPL-2.1-or-later
"""Key numbers of `virKeycodeSet` as QEMU's: the PC's first scan codes, extended ones with the eighth bit."""

from __future__ import annotations

from virtd.enums import KeycodeSet
from virtd.errors import Code, VirtError

CODESETS = 10
_NAMES = ("linux", "xt", "atset1", "atset2", "atset3", "osx", "xt_kbd", "usb", "win32", "qnum")

#: Linux numbers up to here are the scan codes themselves, but for these, which no PC keyboard has.
_LINUX_PLAIN = 88
_LINUX_NONE = frozenset({0, 84, 85})

#: Linux number → QEMU's, where they differ.
_LINUX = {
    85: 0x76, 89: 0x73, 90: 0x78, 91: 0x77, 92: 0x79, 93: 0x70, 94: 0x7B, 95: 0x5C,
    96: 0x9C, 97: 0x9D, 98: 0xB5, 99: 0x54, 100: 0xB8, 101: 0x5B, 102: 0xC7, 103: 0xC8,
    104: 0xC9, 105: 0xCB, 106: 0xCD, 107: 0xCF, 108: 0xD0, 109: 0xD1, 110: 0xD2, 111: 0xD3,
    112: 0xEF, 113: 0xA0, 114: 0xAE, 115: 0xB0, 116: 0xDE, 117: 0x59, 118: 0xCE, 119: 0xC6,
    121: 0x7E, 124: 0x7D, 125: 0xDB, 126: 0xDC, 127: 0xDD, 128: 0xE8, 138: 0xF5, 139: 0x9E,
    140: 0xA1, 142: 0xDF, 143: 0xE3, 150: 0x82, 155: 0xEC, 156: 0xE6, 157: 0xEB, 158: 0xEA,
    159: 0xE9, 163: 0x99, 164: 0xA2, 165: 0x90, 166: 0xA4, 172: 0xB2, 173: 0xE7,
    183: 0x5D, 184: 0x5E, 185: 0x5F, 186: 0x55, 187: 0x83, 188: 0xF7, 189: 0x84, 190: 0x5A,
}  # fmt: skip

#: Linux numbers in the order of the USB keyboard page, from its number 4 on; 0: none.
_USB_FIRST = 4
_USB = (
    30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44,
    2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26, 27, 43, 43, 39, 40, 41, 51, 52, 53, 58,
    59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 87, 88, 99, 70, 119, 110, 102, 104, 111, 107, 109, 106, 105, 108, 103,
    69, 98, 55, 74, 78, 96, 79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86, 127, 116, 117,
    183, 184, 185, 186, 187, 188, 189, 190,
)  # fmt: skip
_USB_MODIFIERS = {224: 29, 225: 42, 226: 56, 227: 125, 228: 97, 229: 54, 230: 100, 231: 126}


def to_qnum(codeset: int, code: int) -> int:
    """QEMU's number of a key.

    Raises:
        VirtError: INTERNAL_ERROR, the set has no such key, or QEMU has not.
    """
    found = _translate(codeset, code)
    if found is None:
        text = f"cannot translate keycode {code} of {_NAMES[codeset]} codeset to qnum keycode"
        raise VirtError(Code.INTERNAL_ERROR, text)
    return found


def _translate(codeset: int, code: int) -> int | None:
    if codeset == KeycodeSet.QNUM:
        return code if code < 0x100 else None
    if codeset in (KeycodeSet.XT, KeycodeSet.XT_KBD, KeycodeSet.ATSET1):
        return code if 0 < code <= _LINUX_PLAIN else None
    if codeset == KeycodeSet.USB:
        return _linux(_usb_to_linux(code))
    return _linux(code) if codeset == KeycodeSet.LINUX else None


def _usb_to_linux(code: int) -> int:
    if code in _USB_MODIFIERS:
        return _USB_MODIFIERS[code]
    return _USB[code - _USB_FIRST] if _USB_FIRST <= code < _USB_FIRST + len(_USB) else 0


def _linux(code: int) -> int | None:
    if code in _LINUX:
        return _LINUX[code]
    return code if code <= _LINUX_PLAIN and code not in _LINUX_NONE else None
