# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<memballoon>`: takes memory back from the guest."""

from __future__ import annotations

from typing import Literal

from conf.binding import Int, Model, OnOff, ParseOptions, attr, child
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.virtio import VirtioDevice


class MemballoonStats(Model):
    """`<stats>`: how often the guest is asked, in seconds."""

    period: Int | None = attr(omit=0)


class Memballoon(DeviceInfo, VirtioDevice):
    """`<memballoon>`."""

    model: Literal["virtio", "xen", "none", "virtio-transitional", "virtio-non-transitional"] = attr(required=True)
    autodeflate: OnOff | None = attr()
    free_page_reporting: OnOff | None = attr("freePageReporting")
    stats: MemballoonStats | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.stats is not None and self.stats.period is not None and self.stats.period < 0:
            self.stats.period = 0
