# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<bandwidth>`: limits of a device's traffic, in KiB a second (`burst` in KiB)."""

from __future__ import annotations

from typing import Any

from conf.binding import Model, ParseOptions, Positive, Ulong, attr, child
from conf.errors import ConfigUnsupportedError, InternalError, XMLDetailError


def _rate(name: str) -> Any:
    return attr(name, omit=0, error=(ConfigUnsupportedError, f"could not convert bandwidth {name} value '%s'"))


class BandwidthRates(Model):
    """`<inbound>` or `<outbound>`."""

    average: Ulong | None = _rate("average")
    peak: Ulong | None = _rate("peak")
    floor: Ulong | None = _rate("floor")
    burst: Ulong | None = _rate("burst")

    def check(self, options: ParseOptions) -> None:
        if self.average is None and self.floor is None:
            raise XMLDetailError("Missing mandatory average or floor attributes")
        if self.average is None and (self.peak is not None or self.burst is not None):
            raise ConfigUnsupportedError("'peak' and 'burst' require 'average' attribute")


def _direction(name: str) -> Any:
    return child(name, only=(XMLDetailError, f"Only one child <{name}> element allowed"))


class Bandwidth(Model):
    """`<bandwidth>`."""

    inbound: BandwidthRates | None = _direction("inbound")
    outbound: BandwidthRates | None = _direction("outbound")

    def check(self, options: ParseOptions) -> None:
        if self.outbound is not None and self.outbound.floor is not None:
            raise ConfigUnsupportedError("'floor' attribute allowed only in <inbound> element")


class PortBandwidth(Bandwidth):
    """`<bandwidth>` of a network's port; `class_id` is the class of traffic that guarantees are made of."""

    class_id: Positive | None = attr("classID", error=(InternalError, "Unable to parse class id '%s'"))


class NetworkBandwidth(PortBandwidth):
    """`<bandwidth>` of a network or port group, where nothing can be guaranteed."""

    def check(self, options: ParseOptions) -> None:
        if self.class_id is not None:
            raise XMLDetailError("classID attribute not supported on <bandwidth> in this usage context")
        super().check(options)
        if self.inbound is not None and self.inbound.floor is not None:
            raise ConfigUnsupportedError("floor attribute is not supported for this config")
