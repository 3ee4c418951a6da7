# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<video>`: a display adapter."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Model, ParseOptions, Scalar, Uint, YesNo, attr, child
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.virtio import VirtioOptions
from conf.errors import ConfigUnsupportedError, InternalError, XMLError


def _parse_vgaconf(text: str) -> str | None:
    return text if text in ("io", "on", "off") else None


class _VideoDriverEnd(Model):
    """What stands behind the virtio options."""

    name: Literal["qemu", "vhostuser"] | None = attr()
    #: Of another hypervisor's adapter; an unknown word is none.
    vgaconf: Annotated[str, Scalar(_parse_vgaconf)] | None = attr(omit="io")


class VideoDriver(VirtioOptions, _VideoDriverEnd):
    """`<driver>`: who draws."""


class VideoAcceleration(Model):
    """`<acceleration>`."""

    accel3d: YesNo | None = attr()
    accel2d: YesNo | None = attr()
    rendernode: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if (self.accel3d, self.accel2d, self.rendernode) == (None, None, None):
            raise ConfigUnsupportedError("missing values for acceleration")


class VideoResolution(Model):
    """`<resolution>`: what the guest is offered first."""

    x: Uint = attr(required=True)
    y: Uint = attr(required=True)


def _parse_primary(text: str) -> bool:
    return text == "yes"


_Primary = Annotated[bool, Scalar(_parse_primary, lambda _value: "yes")]


class VideoModel(Model):
    """`<model>`: sizes are KiB; without a type, the machine's usual adapter."""

    type: Literal[
        "default",
        "vga",
        "cirrus",
        "vmvga",
        "xen",
        "vbox",
        "qxl",
        "parallels",
        "virtio",
        "gop",
        "none",
        "bochs",
        "ramfb",
    ] = attr(default="default", error=(ConfigUnsupportedError, "unknown video model '%s'"))
    ram: Uint | None = attr(error=(XMLError, "cannot parse video ram '%s'"), omit=0)
    vram: Uint | None = attr(error=(XMLError, "cannot parse video vram '%s'"), omit=0)
    vram64: Uint | None = attr(error=(XMLError, "cannot parse video vram64 '%s'"), omit=0)
    vgamem: Uint | None = attr(error=(XMLError, "cannot parse video vgamem '%s'"), omit=0)
    heads: Uint | None = attr(error=(InternalError, "cannot parse video heads '%s'"), omit=0)
    primary: _Primary = attr(default=False, omit=False)
    acceleration: VideoAcceleration | None = child()
    resolution: VideoResolution | None = child()


class Video(DeviceInfo):
    """`<video>`."""

    driver: VideoDriver | None = child()
    model: VideoModel | None = child()

    def check(self, options: ParseOptions) -> None:
        model = self.model = self.model or VideoModel()
        if model.type == "none":
            # Nothing is there to be described.
            self.model = VideoModel(type="none")
            self.driver = self.address = None
        elif model.type != "qxl":
            for name in ("ram", "vram64", "vgamem"):
                if getattr(model, name) is not None:
                    raise ConfigUnsupportedError(f"{name} attribute only supported for video type qxl")
