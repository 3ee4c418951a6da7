# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon notes about devices in its own record of a running guest, and nowhere else."""

from __future__ import annotations

from typing import Annotated

from conf.binding import Scalar

#: A truth value written 1 and 0.
ZeroOne = Annotated[bool, Scalar(lambda text: text == "1", lambda value: "1" if value else "0")]
