# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<permissions>` of pools and volumes."""

from __future__ import annotations

import re
from typing import Annotated

from conf.binding import Model, ParseOptions, Scalar, child_text, number
from conf.binding.scalars import UINT_MAX, BadValueError
from conf.errors import XMLError

_OCTAL = re.compile(r"[ \t\n]*([0-7]+)", re.ASCII)


def _parse_mode(text: str) -> int:
    match = _OCTAL.fullmatch(text[:16])
    if match is None or int(match[1], 8) > 0o777:
        raise BadValueError
    return int(match[1], 8)


Mode = Annotated[int, Scalar(_parse_mode, lambda mode: f"0{mode:o}")]
#: A number of the host's users or groups; -1 leaves it as it is.
Id = Annotated[int, number(-1, UINT_MAX)]


class Permissions(Model):
    """`<permissions>`; None where nothing is asked for."""

    mode: Mode | None = child_text(error=(XMLError, "malformed octal mode"))
    owner: Id | None = child_text(error=(XMLError, "malformed owner element"))
    group: Id | None = child_text(error=(XMLError, "malformed group element"))
    label: str | None = child_text()

    def check(self, options: ParseOptions) -> None:
        self.owner = None if self.owner == -1 else self.owner
        self.group = None if self.group == -1 else self.group
