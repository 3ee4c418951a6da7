# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<actual>`: what an interface on a virtual network really became; in the daemon's own records only."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, YesNo, attr, child
from conf.netdev.bandwidth import Bandwidth
from conf.netdev.virtualport import VirtualPort
from conf.netdev.vlan import Vlan


class ActualSource(Model):
    """`<source>`: the bridge, or the host's device and how it is used."""

    bridge: str | None = attr()
    mac_table_manager: Literal["kernel", "libvirt"] | None = attr("macTableManager")
    dev: str | None = attr()
    mode: Literal["vepa", "private", "bridge", "passthrough"] | None = attr()


class ActualPort(Model):
    """`<port>`."""

    isolated: YesNo | None = attr()


class ActualInterface(Model):
    """`<actual>`."""

    type: str | None = attr()
    managed: YesNo | None = attr()
    trust_guest_rx_filters: YesNo | None = attr("trustGuestRxFilters")
    source: ActualSource | None = child()
    vlan: Vlan | None = child()
    virtualport: VirtualPort | None = child(keep_empty=True)
    bandwidth: Bandwidth | None = child()
    port: ActualPort | None = child()
