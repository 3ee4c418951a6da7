# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host itself, and devices with little to say."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, ParseOptions, Uuid, attr, child, child_text
from conf.errors import ConfigUnsupportedError, InternalError
from conf.naming import NAME
from conf.nodedev.values import Capability


class Hardware(Model):
    """`<hardware>`: the machine."""

    vendor: str | None = child_text()
    version: str | None = child_text()
    serial: str | None = child_text()
    uuid: Uuid = child_text(error=(InternalError, f"malformed uuid element for '{NAME}'"))


class Firmware(Model):
    """`<firmware>`."""

    vendor: str | None = child_text()
    version: str | None = child_text()
    release_date: str | None = child_text()

    @property
    def has_end_tag(self) -> bool:
        return True


class SystemCapability(Capability):
    """`<capability type='system'>`: the host."""

    type: Literal["system"] = attr(default="system")
    product: str | None = child_text()
    hardware: Hardware = child()
    firmware: Firmware = child(keep_empty=True)

    def check(self, options: ParseOptions) -> None:
        if self.hardware is None or not self.hardware.uuid:
            raise InternalError(f"no system UUID supplied for '{NAME}'")
        self.firmware = self.firmware or Firmware()


class DRMCapability(Capability):
    """`<capability type='drm'>`: a graphics card's device; `kind` is what it is for."""

    type: Literal["drm"] = attr(default="drm")
    kind: Literal["primary", "control", "render"] = child_text(
        "type",
        required=(ConfigUnsupportedError, f"unknown drm type '(null)' for '{NAME}'"),
        error=(ConfigUnsupportedError, f"unknown drm type '%s' for '{NAME}'"),
    )


class VDPACapability(Capability):
    """`<capability type='vdpa'>`: a network device that speaks virtio."""

    type: Literal["vdpa"] = attr(default="vdpa")
    chardev: str | None = child_text()
