# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon notes about devices in its own record of a running guest, and nowhere else."""

from __future__ import annotations

from typing import Annotated, TypeVar

from conf.binding import FormatOptions, Scalar
from conf.binding.fields import Values

_T = TypeVar("_T")

#: A truth value written 1 and 0.
ZeroOne = Annotated[bool, Scalar(lambda text: text == "1", lambda value: "1" if value else "0")]


def in_status(value: _T, _own: Values, _around: Values, options: FormatOptions) -> _T | None:
    """For `attr(shown=...)`: written in the daemon's record only."""
    return value if options.status else None
