# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arguments of the block job functions."""

from __future__ import annotations

from typing import Final

from virtd.enums import DomainBlockRebaseFlags as Rebase
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError

MIB: Final = 1 << 20
LLONG_MAX: Final = (1 << 63) - 1

COPY_PARAMETERS = {"bandwidth": T.ULLONG, "granularity": T.UINT, "buf-size": T.ULLONG}
#: Flags of a rebase that make sense only with a copy.
ONLY_WITH_COPY = Rebase.SHALLOW | Rebase.REUSE_EXT | Rebase.COPY_RAW | Rebase.COPY_DEV


def speed_limit(bandwidth: int, *, in_bytes: bool) -> int | None:
    """Bytes a second, from MiB a second unless `in_bytes`; None: no limit.

    Raises:
        VirtError: OVERFLOW.
    """
    limit = LLONG_MAX if in_bytes else LLONG_MAX // MIB
    if bandwidth > limit:
        raise VirtError(Code.OVERFLOW, f"bandwidth must be less than {limit}")
    return (bandwidth if in_bytes else bandwidth * MIB) or None
