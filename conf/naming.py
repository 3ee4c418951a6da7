# SPDX-License-Identifier: LGPL-2.1-or-later
"""Complaints about a part of something name the whole, which the part does not know."""

from __future__ import annotations

from conf.errors import ConfError

#: Stands for the whole's name until `named` puts it there; no document can contain it.
NAME = "\0"


def named(error: ConfError, name: str) -> ConfError:
    """The same complaint about the network or device of this name."""
    return type(error)(str(error).replace(NAME, name))
