# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports of virtual networks, and the addresses that networks have given away."""

from __future__ import annotations

from uuid import UUID

from conf.networkport import NetworkPort, format_network_port, parse_network_port
from drivers.common.networks import ManagedNetwork
from drivers.common.schema import validated
from drivers.common.tuning import BANDWIDTH
from drivers.test.addresses import HOSTNAME, addresses
from drivers.test.base import Part
from virtd.enums import NetworkPortCreateFlags
from virtd.errors import Code, VirtError, check_flags, operation_invalid
from virtd.params import TypedParam
from virtd.refs import NetworkPortRef, NetworkRef

#: Seconds that a guest may keep an address.
LEASE_SECONDS = 3600

#: What virNetworkGetDHCPLeases tells of a lease, in the order of the wire.
Lease = tuple[str, int, int, str | None, str | None, str, int, str | None, str | None]


class PortApi(Part):
    """virNetworkPort…, virNetworkListAllPorts, virNetworkGetDHCPLeases."""

    def _port(self, ref: NetworkPortRef) -> tuple[ManagedNetwork, NetworkPort]:
        """The port a client means, and its network.

        Raises:
            VirtError: NO_NETWORK, NO_NETWORK_PORT.
        """
        network = self.world.networks.by_ref(ref.net)
        port = network.ports.get(ref.uuid)
        if port is None:
            text = f"Network port with UUID {UUID(bytes=ref.uuid)} does not exist"
            raise VirtError(Code.NO_NETWORK_PORT, text)
        return network, port

    def network_list_all_ports(self, network: NetworkRef, flags: int) -> list[NetworkPortRef]:
        """virNetworkListAllPorts."""
        check_flags(flags, 0, "testNetworkListAllPorts")
        found = self.world.networks.by_ref(network)
        return [NetworkPortRef(found.ref, uuid) for uuid in found.ports]

    def network_port_lookup_by_uuid(self, network: NetworkRef, uuid: bytes) -> NetworkPortRef:
        """virNetworkPortLookupByUUID."""
        found, _port = self._port(NetworkPortRef(network, uuid))
        return NetworkPortRef(found.ref, uuid)

    @validated("networkport.rng", NetworkPortCreateFlags.VALIDATE, xml=1)
    def network_port_create_xml(self, network: NetworkRef, xml: str, flags: int) -> NetworkPortRef:
        """virNetworkPortCreateXML."""
        known = NetworkPortCreateFlags.RECLAIM | NetworkPortCreateFlags.VALIDATE
        check_flags(flags, known, "testNetworkPortCreateXML")
        found = self.world.networks.by_ref(network)
        if not found.active:
            raise operation_invalid("network is not active")
        port = parse_network_port(xml)
        uuid = UUID(port.uuid).bytes
        if uuid in found.ports:
            raise VirtError(Code.NETWORK_PORT_EXIST, port.uuid)
        found.ports[uuid] = port
        return NetworkPortRef(found.ref, uuid)

    def network_port_get_xml_desc(self, port: NetworkPortRef, flags: int) -> str:
        """virNetworkPortGetXMLDesc."""
        check_flags(flags, 0, "testNetworkPortGetXMLDesc")
        return format_network_port(self._port(port)[1])

    def network_port_get_parameters(self, port: NetworkPortRef, flags: int) -> list[TypedParam]:
        """virNetworkPortGetParameters."""
        check_flags(flags, 0, "testNetworkPortGetParameters")
        return BANDWIDTH.told(self._port(port)[1])

    def network_port_set_parameters(self, port: NetworkPortRef, params: list[TypedParam], flags: int) -> None:
        """virNetworkPortSetParameters."""
        check_flags(flags, 0, "testNetworkPortSetParameters")
        BANDWIDTH.write(self._port(port)[1], BANDWIDTH.given(params))

    def network_port_delete(self, port: NetworkPortRef, flags: int) -> None:
        """virNetworkPortDelete."""
        check_flags(flags, 0, "testNetworkPortDelete")
        network, _port = self._port(port)
        del network.ports[port.uuid]

    def network_get_dhcp_leases(self, net: NetworkRef, mac: str | None, flags: int) -> list[Lease]:
        """virNetworkGetDHCPLeases: a running guest has a lease for each interface on the network."""
        check_flags(flags, 0, "testNetworkGetDHCPLeases")
        network = self.world.networks.by_ref(net)
        bridge = network.definition.bridge
        device = (bridge.name if bridge is not None else None) or network.name
        expiry = int(self.world.clock.now()) + LEASE_SECONDS
        leases: list[Lease] = []
        for guest in self.world.guests:
            for number, interface in enumerate(guest.definition.devices.interfaces if guest.active else []):
                _name, address, told = addresses(guest, interface, number)
                named = interface.source.network if interface.source is not None else None
                if named == network.name and mac in (None, address):
                    leases += [
                        (device, expiry, kind, address, None, ip, bits, HOSTNAME, None) for kind, ip, bits in told
                    ]
        return leases
