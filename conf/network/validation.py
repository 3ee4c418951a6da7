# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a network driver refuses of a network that was read without complaint."""

from __future__ import annotations

from conf.errors import ConfigUnsupportedError
from conf.netdev.virtualport import VirtualPort
from conf.network.forward import HAS_OWN_BRIDGE
from conf.network.network import Network


def validate_network(network: Network) -> None:
    """Raise for parts that contradict each other.

    Raises:
        ConfigUnsupportedError: with libvirt's text.
    """
    if network.mode not in HAS_OWN_BRIDGE:
        _check_bridgeless(network)
    _check_devices(network)
    _check_dhcp(network)
    _check_portgroups(network)
    _check_vlans(network)


def _check_bridgeless(network: Network) -> None:
    """There is no host side that could serve anything."""
    dns = network.dns
    served = {
        "mac": network.mac is not None and network.mac.address is not None,
        "ip": bool(network.ips),
        "dns": dns is not None and bool(dns.forwarders or dns.txts or dns.srvs or dns.hosts),
        "domain": network.domain is not None,
    }
    where = f"in network {network.name} with forward mode='{network.mode}'"
    for tag, present in served.items():
        if present:
            raise ConfigUnsupportedError(f"Unsupported <{tag}> element {where}")
    if network.bandwidth is not None and network.mode != "bridge":
        raise ConfigUnsupportedError(f"Unsupported network-wide <bandwidth> element {where}")


def _check_devices(network: Network) -> None:
    forward = network.forward
    if forward is None:
        return
    if forward.mode == "hostdev" and forward.interfaces:
        raise ConfigUnsupportedError(
            f"hostdev network '{network.name}' lists '{forward.interfaces[0].dev}' in the device pool, but hostdev"
            " networks require all devices to be listed by PCI address, not network device name"
        )
    if forward.mode != "hostdev" and forward.addresses:
        raise ConfigUnsupportedError(
            f"network '{network.name}' has forward mode '{forward.mode}'  but lists a device by PCI address in the"
            " device pool. This is only supported for networks with forward mode 'hostdev'"
        )


def _check_dhcp(network: Network) -> None:
    for version in (4, 6):
        serving = [ip for ip in network.ips if ip.version == version and ip.dhcp and (ip.dhcp.ranges or ip.dhcp.hosts)]
        if len(serving) > 1:
            raise ConfigUnsupportedError(
                f"Multiple IPv{version} dhcp sections found -- dhcp is supported only for a single IPv{version}"
                " address on each network"
            )


def _check_portgroups(network: Network) -> None:
    default: str | None = None
    names: set[str] = set()
    for group in network.portgroups:
        if group.name in names:
            raise ConfigUnsupportedError(
                f"multiple <portgroup> elements with the same name ({group.name}) in network '{network.name}'"
            )
        names.add(group.name)
        if group.default and default is not None:
            raise ConfigUnsupportedError(
                f"network '{network.name}' has multiple default <portgroup> elements ({default} and {group.name}),"
                " but only one default is allowed"
            )
        default = group.name if group.default else default


def _check_vlans(network: Network) -> None:
    groups = [(group.vlan, group.virtualport) for group in network.portgroups]
    for vlan, port in ((network.vlan, network.virtualport), *groups):
        if vlan is not None and not _has_vlans(network, port):
            raise ConfigUnsupportedError(
                f"<vlan> element specified for network {network.name}, whose type doesn't support vlan configuration"
            )


def _has_vlans(network: Network, port: VirtualPort | None) -> bool:
    """Whether what carries the traffic can tag it."""
    if network.mode == "bridge":
        return port is not None and port.type == "openvswitch"
    return network.mode in ("hostdev", "passthrough")
