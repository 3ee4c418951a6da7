# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<link>`: whether a network device is connected, and how fast it is."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, Uint, attr

LinkState = Literal["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"]


class NetLink(Model):
    """`<link>`; `speed` in Mbit/s, 0 where it is not known."""

    speed: Uint = attr(default=0, omit=0)
    state: LinkState | None = attr(empty_is_unset=True)
