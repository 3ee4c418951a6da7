# SPDX-License-Identifier: LGPL-2.1-or-later
"""MAC addresses."""

from __future__ import annotations

import re
from typing import Annotated

from conf.binding import Scalar
from conf.binding.scalars import BadValueError

_MAC = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}", re.ASCII)


def parse_mac(text: str) -> str:
    """A MAC address in lower case, two digits a byte.

    Raises:
        BadValueError: it is none.
    """
    if not _MAC.fullmatch(text):
        raise BadValueError
    return ":".join(part.rjust(2, "0") for part in text.lower().split(":"))


def is_multicast(mac: str) -> bool:
    """Whether it addresses a group, which no single device can have."""
    return bool(int(mac[:2], 16) & 1)


MAC = Annotated[str, Scalar(parse_mac)]
