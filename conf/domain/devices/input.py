# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<input>`: keyboards, mice, tablets, and the host's event devices."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, OnOff, ParseOptions, attr, child, on
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError, InternalError, XMLError


class InputSource(Model):
    """`<source>`: the host's event device; `evdev` names it for a passthrough, `dev` for type evdev."""

    evdev: str | None = attr(when=on("../type", "passthrough"))
    dev: str | None = attr(when=on("../type", "evdev"))
    grab: Literal["all"] | None = attr(when=on("../type", "evdev"))
    grab_toggle: Literal["ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"] | None = (
        attr("grabToggle", when=on("../type", "evdev"))
    )
    repeat: OnOff | None = attr(when=on("../type", "evdev"))


class Input(DeviceInfo):
    """`<input>`.  Without a bus, the type and the machine decide."""

    type: Literal["mouse", "tablet", "keyboard", "passthrough", "evdev"] = attr(
        required=(InternalError, "missing input device type"),
        error=(ConfigUnsupportedError, "unknown input device type '%s'"),
    )
    bus: Literal["ps2", "usb", "xen", "parallels", "virtio", "none"] | None = attr(
        error=(ConfigUnsupportedError, "unknown input bus type '%s'"), omit="none"
    )
    model: Literal["virtio", "virtio-transitional", "virtio-non-transitional"] | None = attr(
        error=(ConfigUnsupportedError, "unknown input model '%s'")
    )

    driver: VirtioOptions | None = child()
    source: InputSource | None = child(when=on("type", "passthrough", "evdev"))

    def check(self, options: ParseOptions) -> None:
        if self.source is not None and (self.source.evdev or self.source.dev) is None:
            raise XMLError("Missing evdev path for input device")
