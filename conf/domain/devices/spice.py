# SPDX-License-Identifier: LGPL-2.1-or-later
"""What only SPICE has below `<graphics>`."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, OnOff, YesNo, attr

ChannelMode = Literal["any", "secure", "insecure"]
CHANNELS = ("main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir")


class SpiceChannel(Model):
    """`<channel>`: whether one of SPICE's channels is encrypted."""

    name: Literal["main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"] = attr(
        required=True
    )
    mode: ChannelMode = attr(required=True)


class SpiceImage(Model):
    """`<image>`."""

    compression: Literal["auto_glz", "auto_lz", "quic", "glz", "lz", "off"] = attr(required=True)


class SpiceWanCompression(Model):
    """`<jpeg>` or `<zlib>`: compression for slow lines."""

    compression: Literal["auto", "never", "always"] = attr(required=True)


class SpicePlayback(Model):
    """`<playback>`."""

    compression: OnOff = attr(required=True)


class SpiceStreaming(Model):
    """`<streaming>`: what is treated as video."""

    mode: Literal["filter", "all", "off"] = attr(required=True)


class SpiceMouse(Model):
    """`<mouse>`: who draws the pointer."""

    mode: Literal["server", "client"] = attr(required=True)


class SpiceClipboard(Model):
    """`<clipboard>`."""

    copypaste: YesNo = attr(required=True)


class SpiceFileTransfer(Model):
    """`<filetransfer>`."""

    enable: YesNo = attr(required=True)


def written_channels(channels: list[SpiceChannel]) -> list[SpiceChannel]:
    """Channels as libvirt keeps them: the last word about each, in its own order, `any` being nothing."""
    modes = {channel.name: channel for channel in channels}
    return [modes[name] for name in CHANNELS if name in modes and modes[name].mode != "any"]
