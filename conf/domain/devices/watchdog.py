# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<watchdog>`: acts when the guest stops feeding it."""

from __future__ import annotations

from typing import Literal

from conf.binding import attr
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError, InternalError


class Watchdog(DeviceInfo):
    """`<watchdog>`."""

    model: Literal["i6300esb", "ib700", "diag288"] = attr(
        required=(InternalError, "watchdog must contain model name"),
        error=(ConfigUnsupportedError, "unknown watchdog model '%s'"),
    )
    action: Literal["reset", "shutdown", "poweroff", "pause", "dump", "none", "inject-nmi"] = attr(
        default="reset", error=(ConfigUnsupportedError, "unknown watchdog action '%s'")
    )
