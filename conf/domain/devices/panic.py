# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<panic>`: how a guest tells the host that it crashed."""

from __future__ import annotations

from typing import Literal

from conf.binding import ParseOptions, attr
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError


class Panic(DeviceInfo):
    """`<panic>`.  Without a model it is the machine's usual one."""

    model: Literal["default", "isa", "pseries", "hyperv", "s390"] | None = attr(
        error=(ConfigUnsupportedError, "unknown panic model '%s'")
    )

    def check(self, options: ParseOptions) -> None:
        if self.model == "default":
            self.model = None
