# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<iommu>`: an I/O memory management unit for the guest."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, OnOff, ParseOptions, Uint, attr, child
from conf.domain.devices.info import DeviceInfo


class IOMMUDriver(Model):
    """`<driver>` of an IOMMU."""

    intremap: OnOff | None = attr()
    caching_mode: OnOff | None = attr()
    eim: OnOff | None = attr()
    iotlb: OnOff | None = attr()
    aw_bits: Uint | None = attr(omit=0)

    def check(self, options: ParseOptions) -> None:
        self.aw_bits = self.aw_bits or None


class IOMMU(DeviceInfo):
    """`<iommu>`."""

    model: Literal["intel", "smmuv3", "virtio"] = attr(required=True)
    driver: IOMMUDriver | None = child()
