# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which types of pools there is a hand for, and the error for the others."""

from __future__ import annotations

from typing import NoReturn

from conf.storage import Pool
from conf.storage.kinds import KINDS
from virtd.errors import Code, VirtError

#: Pools that can be active here: folders of the host.
STARTABLE = frozenset({"dir"})
#: Pools that can only be defined: stock daemons have their backends as modules.
DEFINABLE = frozenset(KINDS) - {"sheepdog", "vstorage"}


def check_definable(pool: Pool) -> None:
    """Raise INTERNAL_ERROR for a pool whose type nobody could ever start."""
    _check(pool.type, DEFINABLE)


def check_startable(pool: Pool) -> None:
    """Raise INTERNAL_ERROR for a pool of a type that cannot be active here."""
    _check(pool.type, STARTABLE)


def find_sources(type_: str) -> NoReturn:
    """What pools of a type could be made from; there are none to find for those that can be active here.

    Raises:
        VirtError: INTERNAL_ERROR, no such type, or nobody could ask; NO_SUPPORT, such pools have no sources.
    """
    if type_ not in KINDS:
        raise VirtError(Code.INTERNAL_ERROR, f"unknown storage pool type {type_}")
    _check(type_, STARTABLE)
    raise VirtError(Code.NO_SUPPORT, f"pool type '{type_}' does not support source discovery")


def _check(type_: str, types: frozenset[str]) -> None:
    if type_ not in types:
        number = tuple[str, ...](KINDS).index(type_)
        raise VirtError(Code.INTERNAL_ERROR, f"missing backend for pool type {number} ({type_})")
