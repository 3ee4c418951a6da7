# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<hub>`: a USB hub."""

from __future__ import annotations

from typing import Literal

from conf.binding import attr
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError, InternalError


class Hub(DeviceInfo):
    """`<hub>`."""

    type: Literal["usb"] = attr(
        required=(InternalError, "missing hub device type"),
        error=(ConfigUnsupportedError, "unknown hub device type '%s'"),
    )
