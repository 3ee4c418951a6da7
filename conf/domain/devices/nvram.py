# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<nvram>`: memory of a pSeries machine that survives a reset."""

from __future__ import annotations

from conf.domain.devices.info import DeviceInfo


class NVRAM(DeviceInfo):
    """`<nvram>`: only its address can be chosen."""

    @property
    def has_end_tag(self) -> bool:
        return True
