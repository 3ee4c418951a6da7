# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which types of pools there is a hand for, and the error for the others."""

from __future__ import annotations

from conf.storage import Pool
from conf.storage.kinds import KINDS
from virtd.errors import Code, VirtError

#: Pools that can be active here: folders of the host.
STARTABLE = frozenset({"dir"})
#: Pools that can only be defined: stock daemons have their backends as modules.
DEFINABLE = frozenset(KINDS) - {"sheepdog", "vstorage"}


def check_definable(pool: Pool) -> None:
    """Raise INTERNAL_ERROR for a pool whose type nobody could ever start."""
    _check(pool, DEFINABLE)


def check_startable(pool: Pool) -> None:
    """Raise INTERNAL_ERROR for a pool of a type that cannot be active here."""
    _check(pool, STARTABLE)


def _check(pool: Pool, types: frozenset[str]) -> None:
    if pool.type not in types:
        number = list(KINDS).index(pool.type)
        raise VirtError(Code.INTERNAL_ERROR, f"missing backend for pool type {number} ({pool.type})")
