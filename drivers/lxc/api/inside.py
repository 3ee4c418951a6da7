# SPDX-License-Identifier: LGPL-2.1-or-later
"""Into a running container: its consoles, its namespaces, its addresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drivers.common.streams import DescriptorStream
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest
from virtd.calls import WithFds, WithStream
from virtd.enums import DomainGetHostnameFlags as Hostname
from virtd.enums import DomainInterfaceAddressesSource as Source
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef

_ARP = Path("/proc/net/arp")
_ARP_FIELDS = 6
_IPV4 = 0
#: The kernel knows of single addresses only, as libvirt writes them.
_HOST_PREFIX = 0

#: (name, MAC, [(0: IPv4, 1: IPv6; address, prefix)])
Addresses = list[tuple[str, str | None, list[tuple[int, str, int]]]]


class InsideApi(Part):
    """virDomainOpenConsole, virDomainLxcOpenNamespace, virDomainInterfaceAddresses, virDomainGetHostname."""

    def domain_open_console(self, dom: DomainRef, dev_name: str | None, flags: int) -> WithStream:
        """virDomainOpenConsole: any number of clients may share one."""
        check_flags(flags, 0, "lxcDomainOpenConsole")
        guest = self._running(dom)
        console = _find_console(guest, dev_name)
        fd = self._context.runtime.open_console(guest, console.alias)
        return WithStream(DescriptorStream(fd, lambda: None))

    def lxc_domain_open_namespace(self, dom: DomainRef, flags: int) -> WithFds:
        """virDomainLxcOpenNamespace: descriptors of all namespaces, in the order to enter them."""
        check_flags(flags, 0, "lxcDomainLxcOpenNamespace")
        guest = self._running(dom)
        return WithFds(None, [fd for _, fd in self._context.runtime.namespaces(guest)])

    def domain_interface_addresses(self, dom: DomainRef, source: int, flags: int) -> Addresses:
        """virDomainInterfaceAddresses: those that the host has heard of; there is no network of ours to have leased one."""
        check_flags(flags, 0, "lxcDomainInterfaceAddresses")
        guest = self._running(dom)
        if source == Source.LEASE:
            return []
        if source != Source.ARP:
            raise VirtError(Code.ARGUMENT_UNSUPPORTED, f"Unknown IP address data source {source}")
        heard = _neighbours()
        cards = [(c.target.dev, c.mac.address) for c in guest.require_active().devices.interfaces if c.target and c.mac]
        return [
            (name, mac, [(_IPV4, address, _HOST_PREFIX) for address in heard[mac]])
            for name, mac in cards
            if name and mac in heard
        ]

    def domain_get_hostname(self, dom: DomainRef, flags: int) -> str:
        """virDomainGetHostname: as a network that leased an address heard it, and none of ours did."""
        check_flags(flags, Hostname.LEASE, "lxcDomainGetHostname")
        guest = self._running(dom)
        raise VirtError(Code.NO_HOSTNAME, f"no hostname found for domain {guest.name}")


def _neighbours() -> dict[str, list[str]]:
    """MAC → the IPv4 addresses that the host knows behind it."""
    found: dict[str, list[str]] = {}
    for line in _ARP.read_text().splitlines()[1:]:
        words = line.split()
        if len(words) >= _ARP_FIELDS:
            found.setdefault(words[3], []).append(words[0])
    return found


def _find_console(guest: Guest, alias: str | None) -> Any:
    consoles = guest.require_active().devices.consoles
    for console in consoles:
        if alias is None or console.alias == alias:
            return console
    raise VirtError(Code.INTERNAL_ERROR, f"cannot find console device '{alias or '<null>'}'")
