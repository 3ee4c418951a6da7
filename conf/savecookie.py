# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<cookie>` of save images and snapshots: what resuming a guest needs and its definition does not say."""

from __future__ import annotations

from conf.binding import Model, child, flag
from conf.domain.cpu import CPU


class SaveCookie(Model):
    """`<cookie>`.

    Attributes:
        cpu: the processor as it was started, with every feature spelled out.
        slirp_helper: user networking ran in a process of its own.
    """

    cpu: CPU | None = child()
    slirp_helper: bool = flag("slirpHelper")

    @property
    def has_end_tag(self) -> bool:
        return True
