# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<source>` of an interface: what of the host it is connected to."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import FormatOptions, Int, Model, Uint, Uuid, YesNo, attr, child, children, number, on
from conf.binding.fields import Condition, Values
from conf.domain.devices.address import HostPCIAddress
from conf.domain.devices.chardev_source import Reconnect
from conf.domain.devices.hostdev_source import HostSCSIAddress, HostUSBAddress, USBId
from conf.errors import ConfigUnsupportedError, XMLError
from conf.netdev.ip import IPAddress, Route

#: Types that are a socket between two QEMUs.
SOCKET_TYPES = ("mcast", "server", "client", "udp")
#: What an interface on a network may be while its guest runs.
NETWORKED = ("network", "bridge", "direct")


def _for(*types: str) -> Condition:
    return on("../type", *types)


def _bridge_of_network_is_live(value: str | None, _own: Values, around: Values, options: FormatOptions) -> str | None:
    return None if around.get("type") == "network" and options.inactive else value


def _of_network(value: str | None, _own: Values, around: Values, options: FormatOptions) -> str | None:
    """What became of an interface on a network is told with the network, while the guest runs."""
    return value if around.get("type") == "network" or not options.inactive else None


class InterfaceSourceLocal(Model):
    """`<local>`: our end of a UDP tunnel."""

    address: str = attr(required=True)
    port: Uint = attr(required=True)


class InterfaceHostPCI(HostPCIAddress):
    """`<address type='pci'>`: a network card, or a virtual function of one."""

    type: Literal["pci"] = attr(default="pci")


class InterfaceHostUSB(HostUSBAddress):
    """`<address type='usb'>`."""

    type: Literal["usb"] = attr(default="usb")


class InterfaceHostSCSI(HostSCSIAddress):
    """`<address type='scsi'>`: read, and refused later."""

    type: Literal["scsi"] = attr(default="scsi")


InterfaceHostAddress = InterfaceHostPCI | InterfaceHostUSB | InterfaceHostSCSI


class InterfaceSource(Model):
    """`<source>`.  Which members count depends on the interface's `type`."""

    network: str | None = attr(when=_for(*NETWORKED), shown=_of_network)
    portgroup: str | None = attr(when=_for(*NETWORKED), shown=_of_network)
    #: The port that the network gave to a running guest, and its bridge.
    portid_: Uuid | None = attr("portid", when=_for(*NETWORKED), live=True)
    bridge: str | None = attr(when=_for("bridge", "network"), shown=_bridge_of_network_is_live)
    type: str | None = attr(when=_for("vhostuser"), required=True)
    path: str | None = attr(when=_for("vhostuser"), required=True)
    dev: str | None = attr(when=_for("direct", "vdpa"), required=True)
    mode: Literal["vepa", "private", "bridge", "passthrough", "server", "client"] | None = attr(
        when=_for("direct", "vhostuser")
    )
    address: str | None = attr(when=_for(*SOCKET_TYPES))
    port: Int | None = attr(when=_for(*SOCKET_TYPES), required=True)
    name: str | None = attr(when=_for("internal"), required=True)
    switchid: Uuid | None = attr(when=_for("vds"), required=True)
    portid: Annotated[int, number(-(2**63), 2**63 - 1)] | None = attr(when=_for("vds"), required=True)
    portgroupid: str | None = attr(when=_for("vds"), required=True)
    connectionid: Annotated[int, number(-(2**63), 2**63 - 1)] | None = attr(when=_for("vds"), required=True)
    startup_policy: Literal["mandatory", "requisite", "optional"] | None = attr("startupPolicy", when=_for("hostdev"))
    guest_reset: Literal["off", "uninitialized", "on"] | None = attr("guestReset", when=_for("hostdev"))
    write_filtering: YesNo | None = attr("writeFiltering", when=_for("hostdev"))
    reconnect: Reconnect | None = child(when=_for("vhostuser"))
    local: InterfaceSourceLocal | None = child(
        when=_for("udp"), required=(XMLError, "'<local>' element missing for 'udp' socket interface")
    )
    ips: list[IPAddress] = children("ip", when=_for("ethernet"))
    routes: list[Route] = children("route", when=_for("ethernet"))
    vendor: USBId | None = child(when=_for("hostdev"))
    product: USBId | None = child(when=_for("hostdev"))
    hostdev: InterfaceHostAddress | None = child(
        "address",
        by="type",
        when=_for("hostdev"),
        required=(XMLError, "missing source address type"),
        missing=(XMLError, "missing source address type"),
        error=(ConfigUnsupportedError, "unknown host device source address type '%s'"),
    )
