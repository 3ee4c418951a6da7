# SPDX-License-Identifier: LGPL-2.1-or-later
"""Only inactive, stored guests have a name that can change."""

from __future__ import annotations

from drivers.common.guestlist import G, GuestList
from drivers.common.part import refuse
from virtd.errors import Code, From, VirtError, operation_invalid


def checked_name(guests: GuestList[G], guest: G, name: str | None) -> str:
    """The name that a guest may have from now on.

    Raises:
        VirtError: OPERATION_INVALID, it runs or is not stored; otherwise what is wrong with the name.
    """
    if guest.active:
        raise operation_invalid("cannot rename active domain")
    if guest.persistent is None:
        raise operation_invalid("cannot rename a transient domain")
    if not name:
        raise refuse("string new_name in virDomainRename must not be empty")
    if "/" in name:
        raise VirtError(Code.XML_ERROR, f"name {name} cannot contain '/'")
    if name == guest.name:
        raise _name_refused("Can't rename domain to itself")
    if guests.by_name(name) is not None:
        raise _name_refused(f"domain with name '{name}' already exists")
    return name


def _name_refused(text: str) -> VirtError:
    return VirtError(Code.OPERATION_INVALID, text, source=From.DOMAIN)
