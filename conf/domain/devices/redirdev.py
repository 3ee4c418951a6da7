# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<redirdev>`: USB devices of a remote host, and `<redirfilter>`: which of them are let in."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from conf.binding import Model, ParseOptions, Scalar, YesNo, attr, children, number
from conf.binding.scalars import INT_MAX, BadValueError
from conf.domain.devices.chardev_source import CharacterBackend, CharacterType
from conf.domain.devices.info import BootableDevice
from conf.errors import ConfigUnsupportedError, InternalError, XMLError


class Redirdev(CharacterBackend, BootableDevice):
    """`<redirdev>`."""

    bus: Literal["usb"] = attr(default="usb", error=(ConfigUnsupportedError, "unknown redirdev bus '%s'"))
    type: CharacterType = attr(
        required=(InternalError, "missing type in redirdev"),
        error=(ConfigUnsupportedError, "unknown redirdev character device type '%s'"),
    )

    @property
    def has_end_tag(self) -> bool:
        return True

    def may_lack_channel(self) -> bool:
        return self.type == "dbus"


_VERSION = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})", re.ASCII)
ANY = -1


def _parse_version(text: str) -> int:
    """`2.10` as USB's binary coded decimal 0x0210; -1 is any."""
    if text == "-1":
        return ANY
    match = _VERSION.fullmatch(text)
    if match is None:
        raise BadValueError
    return int(match[1], 16) << 8 | int(match[2].ljust(2, "0"), 16)


def _format_version(version: int) -> str:
    return f"{version >> 8:x}.{version & 0xFF:02x}"


Version = Annotated[int, Scalar(_parse_version, _format_version)]
_ID = number(-INT_MAX - 1, INT_MAX, base=0)
_Class = Annotated[int, Scalar(_ID.parse, "0x{:02X}".format)]
_Id = Annotated[int, Scalar(_ID.parse, "0x{:04X}".format)]


class RedirFilterDevice(Model):
    """`<usbdev>`: a rule; what is absent (or -1) matches anything."""

    class_: _Class | None = attr("class", omit=ANY)
    vendor: _Id | None = attr(omit=ANY)
    product: _Id | None = attr(omit=ANY)
    version: Version | None = attr(omit=ANY, error=(XMLError, "Cannot parse USB device version %s"))
    allow: YesNo = attr(required=True)

    def check(self, options: ParseOptions) -> None:
        if self.class_ is not None and self.class_ != ANY and self.class_ & ~0xFF:
            raise InternalError(f"Invalid USB Class code 0x{self.class_:x}")


class RedirFilter(Model):
    """`<redirfilter>`: the first rule that matches decides."""

    usbdevs: list[RedirFilterDevice] = children("usbdev")
