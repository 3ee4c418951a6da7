# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<interface>` of a container, and network devices given to it, as the controller makes them."""

from __future__ import annotations

import ipaddress
from typing import Any

from conf.domain import Domain
from conf.domain.devices.interface import InterfaceGuest, is_chosen_name
from drivers.lxc.controller.plan import Address, Interface, Route
from drivers.lxc.runtime import failures, hostdevices
from virtd.errors import Code, From, VirtError
from virtd.host import netdev

_BITS = {"ipv4": 32, "ipv6": 128}
#: Prefixes that addresses have by their first bits where the definition gives none.
_USUAL_PREFIX = {"ipv4": 24, "ipv6": 64}


def plan_all(domain: Domain) -> list[Interface]:
    """All network devices of a container: interfaces first, then those of the host's that it gets.

    Raises:
        VirtError: a type that containers do not have, or a bridge, device or network that is not there.
    """
    names = _Names(domain)
    planned = [plan(interface, names.next(interface)) for interface in domain.devices.interfaces]
    given = [hostdev for hostdev in domain.devices.hostdevs if hostdevices.is_net(hostdev)]
    with failures.of_start():
        return [*planned, *(plan_hostdev(hostdev) for hostdev in given)]


class _Names:
    """The names that a container's devices have there: as given, or the next ethN."""

    def __init__(self, domain: Domain) -> None:
        self._taken = {i.guest.dev for i in domain.devices.interfaces if i.guest is not None and i.guest.dev}
        self._number = 0

    def next(self, interface: Any) -> str:
        if interface.guest is not None and interface.guest.dev:
            return str(interface.guest.dev)
        while (name := f"eth{self._number}") in self._taken:
            self._number += 1
        self._taken.add(name)
        return name


def name_for(domain: Domain, interface: Any) -> str:
    """The name that one more device gets in the container."""
    names = _Names(domain)
    for other in domain.devices.interfaces:
        if other is not interface:
            names.next(other)
    return names.next(interface)


def plan(interface: Any, guest_name: str) -> Interface:
    """One interface."""
    _check_connection(interface)
    made: Interface = {
        "kind": "veth",
        "host": _chosen_target(interface),
        "bridge": "",
        "isolated": False,
        "parent": "",
        "mode": "",
        "guest": guest_name,
        "mac": interface.mac.address if interface.mac is not None else "",
        "mtu": (interface.mtu.size or 0) if interface.mtu is not None else 0,
        "up": interface.link is None or interface.link.state != "down",
        "addresses": [_address(ip) for ip in interface.ips],
        "routes": [_route(route) for route in interface.routes],
    }
    if interface.type == "bridge":
        made["bridge"] = interface.source.bridge
        made["isolated"] = interface.port is not None and bool(interface.port.isolated)
        made["mtu"] = made["mtu"] or _mtu(made["bridge"], made["host"])
    elif interface.type == "direct":
        made |= {"kind": "macvlan", "host": "", "parent": _parent(interface.source.dev), "mode": interface.source.mode}
    elif interface.type == "network":
        name = interface.source.network
        raise VirtError(Code.NO_NETWORK, f"no network with matching name '{name}'", source=From.NETWORK)
    elif interface.type != "ethernet":
        text = f"Unsupported network type {interface.type}"
        raise VirtError(Code.INTERNAL_ERROR, text)
    return made


def _check_connection(interface: Any) -> None:
    """Refuse what a plain bridge or card cannot do."""
    if interface.vlan is not None:
        mac = interface.mac.address if interface.mac is not None else ""
        text = f"interface {mac} - vlan tag not supported for this connection type"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.DOMAIN)
    if interface.virtualport is not None:
        text = (
            f"an interface of type '{interface.type}' cannot have a virtualport of type '{interface.virtualport.type}'"
        )
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    if interface.filterref is not None:
        text = f"Cannot set filters of interface '{interface.filterref.filter}': there is no driver for network filters"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)


def plan_hostdev(hostdev: Any) -> Interface:
    """A network device of the host's that the container gets; it keeps its name and address."""
    name = _parent(hostdev.source.interface)
    return {
        "kind": "move",
        "host": "",
        "bridge": "",
        "isolated": False,
        "parent": name,
        "mode": "",
        "guest": name,
        "mac": "",
        "mtu": 0,
        "up": True,
        "addresses": [_address(ip) for ip in hostdev.ips],
        "routes": [_route(route) for route in hostdev.routes],
    }


def _chosen_target(interface: Any) -> str:
    name = interface.target.dev if interface.target is not None else None
    return str(name) if name and is_chosen_name(name) else ""


def _mtu(bridge: str, port: str) -> int:
    """The size of packets on a bridge, which its ports take over; this is where one that is not there is noticed."""
    try:
        return netdev.mtu(bridge)
    except OSError as error:
        text = f"Unable to add bridge {bridge} port {port or 'vnet0'}: {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE, ints=(error.errno or 0, -1)) from error


def _parent(name: str) -> str:
    if not netdev.exists(name):
        text = f"Unable to get index for interface {name}: No such device"
        raise VirtError(Code.SYSTEM_ERROR, text, source=From.NONE)
    return name


def _address(ip: Any) -> Address:
    family = ip.family or "ipv4"
    return {"address": ip.address, "prefix": ip.prefix or _USUAL_PREFIX[family], "peer": ip.peer}


def _route(route: Any) -> Route:
    prefix = route.prefix
    if prefix is None and route.netmask is not None:
        prefix = ipaddress.ip_network(f"{route.address}/{route.netmask}").prefixlen
    return {
        "address": route.address,
        "prefix": prefix or 0,
        "gateway": route.gateway,
        "metric": route.metric or 0,
    }


def note_names(domain: Domain, veths: list[str]) -> None:
    """Write into the live definition what both ends are called."""
    names = _Names(domain)
    for interface in domain.devices.interfaces:
        note_guest_name(interface, names.next(interface))
    for interface, name in zip(domain.devices.interfaces, veths, strict=False):
        if name:
            interface.name_target(name)


def note_guest_name(interface: Any, name: str) -> None:
    """Write down what a device is called in the container."""
    interface.guest = interface.guest or InterfaceGuest()
    interface.guest.dev = name
