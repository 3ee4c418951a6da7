# SPDX-License-Identifier: LGPL-2.1-or-later
"""By which names and addresses guests are in their networks."""

from __future__ import annotations

import ipaddress

from conf.domain.devices.interface import Interface
from drivers.test.guest import TestGuest
from virtd.enums import IPAddrType

#: Every guest's own name.
HOSTNAME = "testhost"
#: Where guests get addresses whose network is not one of the host's.
_ELSEWHERE = ipaddress.ip_interface("192.168.0.2/24")


def addresses(
    guest: TestGuest, interface: Interface, number: int
) -> tuple[str, str | None, list[tuple[int, str, int]]]:
    """An interface and its address: of the guest's network, in the order of the guests' ids."""
    name = (interface.target.dev if interface.target else None) or f"eth{number}"
    first = _first_address(guest, interface)
    network = first.network
    place = int(first.ip) - int(network.network_address) + max(guest.id, 0) + number
    address = network[min(place, network.num_addresses - 1)]
    kind = IPAddrType.IPV6 if first.version == 6 else IPAddrType.IPV4
    mac = interface.mac.address if interface.mac else None
    return name, mac, [(kind, str(address), network.prefixlen)]


def _first_address(guest: TestGuest, interface: Interface) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """The lowest address of an interface's network that guests get."""
    named = interface.source.network if interface.source is not None else None
    for network in guest.world.networks:
        for ip in network.definition.ips if network.name == named else []:
            second = ip.network[min(2, ip.network.num_addresses - 1)]
            start = ip.dhcp.ranges[0].start if ip.dhcp is not None and ip.dhcp.ranges else second
            return ipaddress.ip_interface(f"{start}/{ip.network.prefixlen}")
    return _ELSEWHERE
