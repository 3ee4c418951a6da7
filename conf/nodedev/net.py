# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<capability type='net'>`: a network device of the host."""

from __future__ import annotations

from typing import Literal, get_args

from conf.binding import Model, ParseOptions, attr, child, child_text, children
from conf.binding.fields import Complaint
from conf.errors import ConfigUnsupportedError, InternalError, XMLError
from conf.naming import NAME
from conf.netdev.link import NetLink
from conf.nodedev.values import Capability, nested

NetFeatureName = Literal[
    "rx",
    "tx",
    "sg",
    "tso",
    "ufo",
    "gso",
    "gro",
    "lro",
    "rxvlan",
    "txvlan",
    "ntuple",
    "rxhash",
    "rdma",
    "txudptnl",
    "switchdev",
]
_ORDER: tuple[str, ...] = get_args(NetFeatureName)
Medium = Literal["80203", "80211"]


class NetFeature(Model):
    """`<feature>`: what the device takes from the CPU."""

    name: NetFeatureName = attr(
        required=(XMLError, "missing network device feature name"),
        error=(XMLError, "unknown network device feature '%s'"),
    )


def _check_medium(type_: str | None) -> Complaint | None:
    if not type_ or type_ in get_args(Medium):
        return None
    return ConfigUnsupportedError, f"invalid network type supplied for '{NAME}'"


class MediumCapability(Model):
    """`<capability type='80203'>` (cable) or `80211` (radio)."""

    type: Medium | None = attr(empty_is_unset=True)


class NetCapability(Capability):
    """`<capability type='net'>`."""

    type: Literal["net"] = attr(default="net")
    interface: str = child_text(required=(InternalError, f"no network interface supplied for '{NAME}'"))
    address: str | None = child_text()
    link: NetLink | None = child()
    features: list[NetFeature] = children("feature")
    known: bool | None = nested(_check_medium)
    media: list[MediumCapability] = children("capability", keep_empty=False)

    def check(self, options: ParseOptions) -> None:
        names = {feature.name for feature in self.features}
        self.features = [NetFeature(name=name) for name in sorted(names, key=_ORDER.index)]
        self.media = [medium for medium in self.media if medium.type is not None][:1]
