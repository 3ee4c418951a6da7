# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<network>`: a virtual network."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from uuid import uuid4

from conf.binding import Model, ParseOptions, Scalar, Uint, Uuid, YesNo, attr, child, child_text, children, raw
from conf.errors import ConfigUnsupportedError, InternalError, XMLDetailError, XMLError
from conf.naming import NAME
from conf.netdev.bandwidth import NetworkBandwidth
from conf.netdev.virtualport import VirtualPort
from conf.netdev.vlan import Vlan
from conf.network.bridge import NetworkBridge, NetworkDomain, NetworkMac, NetworkMTU
from conf.network.dns import Dns
from conf.network.forward import FORWARDED, HAS_OWN_BRIDGE, Forward, ForwardMode
from conf.network.ip import NetworkIP, NetworkRoute


class PortGroup(Model):
    """`<portgroup>`: settings that a guest's interface may ask for by name."""

    name: str = attr(required=(XMLError, "Missing required name attribute in portgroup"))
    default: Annotated[bool, Scalar(lambda text: text == "yes", lambda _value: "yes")] = attr(default=False, omit=False)
    trust_guest_rx_filters: YesNo | None = attr("trustGuestRxFilters")
    vlan: Vlan | None = child()
    virtualport: VirtualPort | None = child(keep_empty=True)
    bandwidth: NetworkBandwidth | None = child()

    @property
    def has_end_tag(self) -> bool:
        return True


class PortOptions(Model):
    """`<port>`: `isolated` ports cannot talk to each other."""

    isolated: YesNo | None = attr()


class DnsmasqOption(Model):
    """`<dnsmasq:option>`: a line of dnsmasq's configuration."""

    value: str = attr(required=(InternalError, "No dnsmasq options value specified"))


class DnsmasqOptions(Model):
    """`<dnsmasq:options>`."""

    options: list[DnsmasqOption] = children("dnsmasq:option")


class Network(Model):
    """`<network>`."""

    connections: Uint = attr(default=0, live=True, omit=0)
    ipv6: YesNo = attr(
        default=False,
        empty_is_unset=True,
        omit=False,
        error=(XMLError, f"Invalid ipv6 setting '%s' in network '{NAME}'"),
    )
    trust_guest_rx_filters: YesNo | None = attr("trustGuestRxFilters")
    name: str = child_text()
    uuid: Uuid = child_text(error=(InternalError, "malformed uuid element"))
    metadata: str | None = raw()
    forward: Forward | None = child()
    bridge: NetworkBridge | None = child()
    mtu: NetworkMTU | None = child()
    mac: NetworkMac | None = child()
    domain: NetworkDomain | None = child()
    dns: Dns | None = child()
    vlan: Vlan | None = child()
    bandwidth: NetworkBandwidth | None = child()
    port: PortOptions | None = child()
    ips: list[NetworkIP] = children("ip")
    routes: list[NetworkRoute] = children("route")
    virtualport: VirtualPort | None = child(keep_empty=True)
    portgroups: list[PortGroup] = children("portgroup")
    dnsmasq: DnsmasqOptions | None = child("dnsmasq:options")

    @property
    def mode(self) -> ForwardMode:
        """How packets leave: "none" of an isolated network."""
        return self.forward.mode if self.forward is not None else "none"

    def namespaces(self) -> list[str]:
        return ["dnsmasq"] if self.dnsmasq is not None and self.dnsmasq.options else []

    def check(self, options: ParseOptions) -> None:
        if "/" in self.name:
            raise XMLDetailError("invalid char in name: /")
        self.uuid = self.uuid or str(uuid4())
        if self.domain is not None and self.domain.name is None:
            self.domain = None
        self._check_virtualport()
        self._check_routes()
        self._check_forward()
        self._settle_bridge()

    def _check_virtualport(self) -> None:
        if self.virtualport is not None and self.virtualport.type is None:
            raise XMLError("missing required virtualport type")

    def _check_routes(self) -> None:
        for route in self.routes:
            gateway = ipaddress.ip_address(str(route.gateway))
            if not any(gateway in ip.network for ip in self.ips if ip.version == gateway.version):
                raise ConfigUnsupportedError(
                    f"unreachable static route gateway '{route.gateway}' specified for network '{self.name}'"
                )

    def _check_forward(self) -> None:
        interfaces = self.forward.interfaces if self.forward is not None else []
        if self.mode not in FORWARDED:
            return
        if not self.ips:
            raise XMLError(f"{self.mode} forwarding requested, but no IP address provided for network '{self.name}'")
        if len(interfaces) > 1:
            raise XMLError(f"multiple forwarding interfaces specified for network '{self.name}', only one is supported")
        if interfaces and self.mode == "open":
            raise XMLError(f"forward dev not allowed for network '{self.name}' with forward mode='open'")

    def _settle_bridge(self) -> None:
        bridge = self.bridge or NetworkBridge()
        if self.mode in HAS_OWN_BRIDGE:
            self.bridge = bridge
            return
        if bridge.name is not None and self.mode != "bridge":
            raise XMLError(f"bridge name not allowed in {self.mode} mode (network '{self.name}')")
        if bridge.is_tuned:
            raise XMLError(
                "bridge delay/stp/zone options only allowed in route, nat, and isolated mode,"
                f" not in {self.mode} (network '{self.name}')"
            )
        if bridge.name is not None and self.forward is not None and self.forward.interfaces:
            raise XMLError(
                f"A network with forward mode='{self.mode}' can specify a bridge name or a forward dev,"
                f" but not both (network '{self.name}')"
            )
        if self.mtu is not None and self.mtu.size:
            raise XMLError(
                "mtu size only allowed in open, route, nat, and isolated mode,"
                f" not in {self.mode} (network '{self.name}')"
            )
        self.bridge = bridge if self.mode == "bridge" else None
