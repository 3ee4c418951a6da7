# SPDX-License-Identifier: LGPL-2.1-or-later
"""Target names of disks (`sda`, `vdab`) and the numbers they stand for."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:fd|hd|vd|sd|xvd|ubd)([a-z]{1,5})(?:0|[1-9][0-9]*)?")


def disk_index(name: str) -> int | None:
    """0 for `sda`, 26 for `sdaa`; a partition number is left out of account; None for any other text."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    index = 0
    for letter in match[1]:
        index = index * 26 + ord(letter) - ord("a") + 1
    return index - 1
