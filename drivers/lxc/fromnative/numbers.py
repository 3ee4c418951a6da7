# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers in a lxc.conf."""

from __future__ import annotations

import re

from conf.binding.scalars import INT_MAX, ULONG_MAX, unit_size
from conf.errors import ConfError
from virtd.errors import Code, VirtError

_SIZE = re.compile(r"(?P<number>\d{1,20})(?P<unit>[A-Za-z]*)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)


def internal(text: str) -> VirtError:
    """What cannot be translated, as libvirt complains of it."""
    return VirtError(Code.INTERNAL_ERROR, text)


def size(text: str) -> int:
    """KiB from "512M"; -1 is no limit.

    Raises:
        VirtError: INTERNAL_ERROR.
    """
    if text == "-1":
        return ULONG_MAX // 1024
    found = _SIZE.fullmatch(text)
    try:
        bytes_ = int(found["number"]) * unit_size(found["unit"] or "b") if found is not None else None
    except ConfError:
        bytes_ = None
    if bytes_ is None or bytes_ > ULONG_MAX:
        raise internal(f"failed to convert size: '{text}'")
    return bytes_ // 1024


def integer(
    text: str, complaint: str = "failed to parse integer: '%s'", *, least: int = 0, most: int = ULONG_MAX
) -> int:
    """A whole number.

    Raises:
        VirtError: INTERNAL_ERROR, with `complaint`, in which %s stands for the text.
    """
    if _INTEGER.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    raise internal(complaint.replace("%s", text))


def count(text: str) -> int:
    """How many of something."""
    return integer(text, "failed to parse int: '%s'", most=INT_MAX)
