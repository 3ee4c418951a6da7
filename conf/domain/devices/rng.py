# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<rng>`: a source of random numbers."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uint, attr, child, on, text
from conf.domain.devices.chardev_source import CharacterBackend, CharacterType
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.virtio import VirtioDevice
from conf.errors import ConfigUnsupportedError, XMLError

_ONE_BACKEND = (XMLError, "only one RNG backend is supported")
DEFAULT_SOURCE = "/dev/random"


class RNGRate(Model):
    """`<rate>`: `bytes` at most in each `period` (milliseconds)."""

    bytes: Uint | None = attr(omit=0, error=(XMLError, "invalid RNG rate bytes value"))
    period: Uint | None = attr(omit=0, error=(XMLError, "invalid RNG rate period value"))


class RNGBackend(CharacterBackend):
    """`<backend>`: a file, a daemon that speaks EGD behind a character device, or QEMU itself."""

    model: Literal["random", "egd", "builtin"] = attr(
        required=(XMLError, "missing RNG device backend model"),
        error=(ConfigUnsupportedError, "unknown RNG backend model '%s'"),
    )
    type: CharacterType | None = attr(
        when=on("model", "egd"),
        required=(XMLError, "missing EGD backend type"),
        error=(ConfigUnsupportedError, "unknown backend type '%s' for egd"),
    )
    path: str | None = text(when=on("model", "random"))

    @property
    def has_end_tag(self) -> bool:
        return self.model == "egd"

    def check(self, options: ParseOptions) -> None:
        if self.model == "egd":
            super().check(options)
        else:
            self.drop_character_device()
        if self.model == "random" and self.path is None:
            self.path = DEFAULT_SOURCE


class RNG(VirtioDevice, DeviceInfo):
    """`<rng>`."""

    model: Literal["virtio", "virtio-transitional", "virtio-non-transitional"] = attr(
        required=(XMLError, "missing RNG device model"), error=(ConfigUnsupportedError, "unknown RNG model '%s'")
    )
    rate: RNGRate | None = child()
    backend: RNGBackend = child(required=_ONE_BACKEND, only=_ONE_BACKEND)

    def check(self, options: ParseOptions) -> None:
        if self.rate is not None and not self.rate.bytes:
            self.rate = None
