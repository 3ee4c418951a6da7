# SPDX-License-Identifier: LGPL-2.1-or-later
"""S/390: channels and cryptographic adapters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from conf.binding import Hex, Model, ParseOptions, attr, child, child_text
from conf.errors import ConfigUnsupportedError
from conf.naming import NAME
from conf.nodedev.mdev import MdevTypes
from conf.nodedev.values import Capability, nested, untyped

Hex0 = Annotated[int, Hex(0)]
Hex2 = Annotated[int, Hex(2)]
Hex4 = Annotated[int, Hex(4)]


def _part(xml: str) -> Any:
    return child_text(
        xml,
        required=(ConfigUnsupportedError, f"missing {xml} value for '{NAME}'"),
        error=(ConfigUnsupportedError, f"invalid {xml} value '%s' for '{NAME}'"),
    )


def _mdev_types() -> Any:
    return child("capability", having=("type", "mdev_types"))


class ChannelAddress(Model):
    """`<channel_dev_addr>`: the device behind a subchannel."""

    cssid: Hex0 = _part("cssid")
    ssid: Hex0 = _part("ssid")
    devno: Hex4 = _part("devno")


class CCWCapability(Capability):
    """`<capability type='ccw'>`: a channel device."""

    type: Literal["ccw"] = attr(default="ccw")
    cssid: Hex0 = _part("cssid")
    ssid: Hex0 = _part("ssid")
    devno: Hex4 = _part("devno")


class CSSCapability(Capability):
    """`<capability type='css'>`: a subchannel."""

    type: Literal["css"] = attr(default="css")
    cssid: Hex0 = _part("cssid")
    ssid: Hex0 = _part("ssid")
    devno: Hex4 = _part("devno")
    channel_dev_addr: ChannelAddress | None = child()
    typed: bool | None = nested(untyped)
    mdev_types: MdevTypes | None = _mdev_types()


class APCardCapability(Capability):
    """`<capability type='ap_card'>`: a cryptographic adapter."""

    type: Literal["ap_card"] = attr(default="ap_card")
    ap_adapter: Hex2 = _part("ap-adapter")


class APQueueCapability(Capability):
    """`<capability type='ap_queue'>`: a domain of such an adapter."""

    type: Literal["ap_queue"] = attr(default="ap_queue")
    ap_adapter: Hex2 = _part("ap-adapter")
    ap_domain: Hex4 = _part("ap-domain")

    def check(self, options: ParseOptions) -> None:
        if self.ap_domain > 255:
            raise ConfigUnsupportedError(f"ap-domain value '{self.ap_domain}' is out of range for '{NAME}'")


class APMatrixCapability(Capability):
    """`<capability type='ap_matrix'>`: where parts of adapters are made into mediated devices."""

    type: Literal["ap_matrix"] = attr(default="ap_matrix")
    typed: bool | None = nested(untyped)
    mdev_types: MdevTypes | None = _mdev_types()
