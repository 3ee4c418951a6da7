# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<vsock>`: sockets between guest and host."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uint, YesNo, attr, child
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.virtio import VirtioDevice


class Cid(Model):
    """`<cid>`: the guest's number; with `auto`, a free one is taken at start."""

    auto: YesNo | None = attr()
    address: Uint | None = attr(omit=0)


class Vsock(DeviceInfo, VirtioDevice):
    """`<vsock>`."""

    model: Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None = attr()
    cid: Cid | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.cid is None:
            self.cid = Cid()
        if self.cid.auto is None:
            self.cid.auto = not self.cid.address
