# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<networkport>`: a guest's connection to a virtual network."""

from __future__ import annotations

from typing import Literal

from conf.binding import (
    FormatOptions,
    Model,
    ParseOptions,
    Uuid,
    YesNo,
    attr,
    child,
    child_text,
    format_document,
    on,
    parse_document,
)
from conf.binding.reading import read
from conf.domain.devices.address import HostPCIAddress
from conf.errors import InternalError, XMLError
from conf.netdev.bandwidth import PortBandwidth
from conf.netdev.mac import MAC
from conf.netdev.virtualport import VirtualPort
from conf.netdev.vlan import Vlan

_BAD_UUID = (InternalError, "Unable to parse UUID '%s'")
_NO_MAC = (InternalError, "network port has no mac")
_NO_BRIDGE = (XMLError, "Missing network port bridge name")
_BRIDGED = on("type", "network", "bridge")
_DIRECT = on("type", "direct")
_PCI = on("type", "hostdev-pci")


class PortOwner(Model):
    """`<owner>`: the guest."""

    name: str = child_text(required=(InternalError, "network port has no owner name"))
    uuid: Uuid = child_text(required=(InternalError, "network port has no owner UUID"), error=_BAD_UUID)


class PortPlug(Model):
    """`<plug>`: what of the host the port is; `managed` devices are taken from and given back to the host."""

    type: Literal["none", "network", "bridge", "direct", "hostdev-pci"] = attr(default="none")
    bridge: str | None = attr(when=_BRIDGED, required=_NO_BRIDGE)
    mac_table_manager: Literal["kernel", "libvirt"] | None = attr(
        "macTableManager", when=_BRIDGED, error=(XMLError, "Invalid macTableManager setting '%s' in network port")
    )
    dev: str | None = attr(when=_DIRECT, required=(XMLError, "Missing network port link device name"))
    mode: Literal["vepa", "private", "bridge", "passthrough"] | None = attr(
        when=_DIRECT, error=(XMLError, "Invalid mode setting '%s' in network port")
    )
    managed: YesNo | None = attr(when=_PCI)
    driver: Literal["kvm", "vfio"] | None = attr(
        "name", at="driver", when=_PCI, error=(XMLError, "Missing network port driver name"), empty_is_unset=True
    )
    address: HostPCIAddress | None = child(when=_PCI, required=(XMLError, "Missing network port PCI address"))

    def check(self, options: ParseOptions) -> None:
        if self.type == "direct":
            self.mode = self.mode or "vepa"


class NetworkPort(Model):
    """`<networkport>`.

    Attributes:
        group: the network's port group that it belongs to.
        isolated: it cannot talk to other isolated ports of its bridge.
        trust_guest: the guest's wishes about packet filters of its device are followed.
        plug: None until the network has made the connection.
    """

    uuid: Uuid = child_text(required=(InternalError, "network port has no uuid"), error=_BAD_UUID)
    owner: PortOwner = child(required=(InternalError, "network port has no owner name"))
    group: str | None = child_text()
    mac: MAC = attr("address", at="mac", required=_NO_MAC, error=(InternalError, "Unable to parse MAC '%s'"))
    virtualport: VirtualPort | None = child(keep_empty=True)
    bandwidth: PortBandwidth | None = child()
    vlan: Vlan | None = child()
    isolated: YesNo | None = attr(at="port")
    trust_guest: YesNo | None = attr("trustGuest", at="rxfilters")
    plug: PortPlug | None = child()

    def check(self, options: ParseOptions) -> None:
        if self.plug is not None and self.plug.type == "none":
            self.plug = None


def parse_network_port(xml: str | bytes) -> NetworkPort:
    """A port from untrusted XML.

    Raises:
        ConfError: with libvirt's code and text.
    """
    return read(NetworkPort, parse_document(xml, "networkport", what="networkport_definition"), ParseOptions())


def format_network_port(port: NetworkPort) -> str:
    """A port's XML as libvirt 9.0.0 writes it."""
    return format_document(port, "networkport", FormatOptions())
