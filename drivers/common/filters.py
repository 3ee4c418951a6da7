# SPDX-License-Identifier: LGPL-2.1-or-later
"""The filters of the virConnectListAll… functions: pairs of flags, for the objects with something and those without."""

from __future__ import annotations


def passes(flags: int, pair: tuple[int, int], has: object) -> bool:
    """Whether an object that `has` something (or not) is among those asked for; neither or both flags ask nothing."""
    asked = bool(flags & pair[0]), bool(flags & pair[1])
    return asked[0] == asked[1] or asked[0] == bool(has)
