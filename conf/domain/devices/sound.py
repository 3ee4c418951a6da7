# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<sound>`: a sound card."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, Positive, attr, child, children, on
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError

#: Cards that are a bus with codecs on it.
CODEC_MODELS = ("ich6", "ich9")


class SoundCodec(Model):
    """`<codec>`."""

    type: Literal["duplex", "micro", "output"] = attr(
        required=(ConfigUnsupportedError, "unknown codec type '(null)'"),
        error=(ConfigUnsupportedError, "unknown codec type '%s'"),
    )


class AudioReference(Model):
    """`<audio>` of a device: which of the domain's audio backends it uses."""

    id: Positive = attr(required=True)


class Sound(DeviceInfo):
    """`<sound>`."""

    model: Literal["sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7"] = attr(required=True)
    codecs: list[SoundCodec] = children("codec", when=on("model", *CODEC_MODELS))
    audio: AudioReference | None = child()
