# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which of SPICE's two ports are left to the daemon."""

from __future__ import annotations

from typing import NamedTuple

from conf.domain.devices.graphics import Graphics

_CHOSEN = -1


class Wanted(NamedTuple):
    """Whether a plain port and one with TLS are to be chosen."""

    plain: bool
    tls: bool


def wanted_ports(graphics: Graphics, *, tls: bool) -> Wanted:
    """The ports asked for by -1, and with autoport those that the channels need; `tls` is what the settings say.

    A channel of any mode goes the way of the default one.
    """
    wanted = Wanted(graphics.port == _CHOSEN, graphics.tls_port == _CHOSEN)
    if not graphics.autoport:
        return wanted
    modes = {channel.mode for channel in graphics.channels}
    default = graphics.default_mode
    if default in ("secure", "insecure"):
        modes.add(default)
        return Wanted(wanted.plain or "insecure" in modes, wanted.tls or "secure" in modes)
    return Wanted(plain=True, tls=wanted.tls or tls or "secure" in modes)
