# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<shmem>`: memory shared between guests."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, OnOff, ParseOptions, Scale, Uint, attr, child, child_text
from conf.domain.devices.info import DeviceInfo
from conf.errors import XMLError


class _Mebibytes(Scale):
    """Kept in bytes, of which whole MiB are written."""

    def written(self, value: int) -> tuple[int, str]:
        return value >> 20, "M"


class ShmemModel(Model):
    """`<model>`."""

    type: Literal["ivshmem", "ivshmem-plain", "ivshmem-doorbell"] = attr(default="ivshmem")


class ShmemServer(Model):
    """`<server>`: the socket of an ivshmem server."""

    path: str | None = attr()


class ShmemMSI(Model):
    """`<msi>`: interrupts by messages."""

    vectors: Uint | None = attr(omit=0)
    ioeventfd: OnOff | None = attr()


class Shmem(DeviceInfo):
    """`<shmem>`; `size` is in bytes."""

    name: str = attr(required=(XMLError, "shmem element must contain 'name' attribute"))
    role: Literal["master", "peer"] | None = attr()
    model: ShmemModel | None = child()
    size: int | None = child_text(scale=_Mebibytes("bytes", pretty=True))
    server: ShmemServer | None = child(keep_empty=True)
    msi: ShmemMSI | None = child(keep_empty=True)

    def check(self, options: ParseOptions) -> None:
        if self.model is None:
            self.model = ShmemModel()
