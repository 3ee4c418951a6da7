# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual networks."""

from __future__ import annotations

from copy import deepcopy

from conf.network import format_network, parse_network
from drivers.common.networks import ManagedNetwork, NetworkList, NetworkLookup
from drivers.common.networkupdate import update
from drivers.common.schema import validated
from drivers.test.base import Part
from drivers.test.world import World
from virtd.enums import NetworkCreateFlags, NetworkDefineFlags, NetworkEventID, NetworkUpdateFlags
from virtd.enums import NetworkEventLifecycleType as Lifecycle
from virtd.errors import Code, From, VirtError, check_flags, operation_invalid
from virtd.events import Event, Kind
from virtd.refs import NetworkRef


class NetworkApi(Part, NetworkLookup):
    """virNetwork…, virConnectListAllNetworks."""

    list_function = "testConnectListAllNetworks"

    @property
    def networks(self) -> NetworkList:
        """Those of the host that the calling client has open."""
        return self.world.networks

    @validated("network.rng", NetworkDefineFlags.VALIDATE)
    def network_define_xml_flags(self, xml: str, flags: int) -> NetworkRef:
        """virNetworkDefineXMLFlags."""
        check_flags(flags, NetworkDefineFlags.VALIDATE, "testNetworkDefineXMLFlags")
        network = define(self.world, xml)
        self._tell(network, Lifecycle.DEFINED)
        return network.ref

    @validated("network.rng", NetworkCreateFlags.VALIDATE)
    def network_create_xml_flags(self, xml: str, flags: int) -> NetworkRef:
        """virNetworkCreateXMLFlags."""
        check_flags(flags, NetworkCreateFlags.VALIDATE, "testNetworkCreateXMLFlags")
        definition = parse_network(xml)
        network = self.networks.place(definition, to_run=True) or ManagedNetwork(definition)
        self.networks.add(network)
        network.live = definition
        self._tell(network, Lifecycle.STARTED)
        return network.ref

    def network_create(self, net: NetworkRef) -> None:
        """virNetworkCreate."""
        network = self.network(net)
        if network.active:
            raise operation_invalid(f"Network '{network.name}' is already running")
        network.live = deepcopy(network.persistent)
        self._tell(network, Lifecycle.STARTED)

    def network_destroy(self, net: NetworkRef) -> None:
        """virNetworkDestroy: a transient network is gone."""
        network = self.network(net)
        network.live = None
        network.ports.clear()
        if network.persistent is None:
            self.networks.remove(network)
        self._tell(network, Lifecycle.STOPPED)

    def network_undefine(self, net: NetworkRef) -> None:
        """virNetworkUndefine."""
        network = self.network(net)
        if network.active:
            raise operation_invalid(f"Network '{network.name}' is still running")
        self.networks.remove(network)
        self._tell(network, Lifecycle.UNDEFINED)

    def network_get_xml_desc(self, net: NetworkRef, flags: int) -> str:
        """virNetworkGetXMLDesc."""
        check_flags(flags, 0, "testNetworkGetXMLDesc")
        return format_network(self.network(net).definition)

    def network_set_autostart(self, net: NetworkRef, autostart: int) -> None:
        """virNetworkSetAutostart; of a transient network it means nothing."""
        network = self.network(net)
        network.autostart = bool(autostart) and network.persistent is not None

    def network_update(
        self, net: NetworkRef, command: int, section: int, parent_index: int, xml: str, flags: int
    ) -> None:
        """virNetworkUpdate."""
        check_flags(flags, NetworkUpdateFlags.LIVE | NetworkUpdateFlags.CONFIG, "testNetworkUpdate")
        network = self.network(net)
        wanted = flags or (NetworkUpdateFlags.LIVE if network.active else NetworkUpdateFlags.CONFIG)
        live, stored = deepcopy(network.live), deepcopy(network.persistent)
        if wanted & NetworkUpdateFlags.LIVE:
            if live is None:
                raise _invalid("network is not running")
            update(live, command, section, parent_index, xml)
        if wanted & NetworkUpdateFlags.CONFIG:
            if stored is None:
                raise _invalid("cannot change persistent config of a transient network")
            update(stored, command, section, parent_index, xml)
        network.live, network.persistent = live, stored

    def _tell(self, network: ManagedNetwork, what: int) -> None:
        self.world.events.emit(Event(Kind.NETWORK, NetworkEventID.LIFECYCLE, network.ref, (what, 0)))


def define(world: World, xml: str | bytes) -> ManagedNetwork:
    """Store a network's definition.

    Raises:
        ConfError, VirtError: it is none, or belongs to another network.
    """
    definition = parse_network(xml)
    network = world.networks.place(definition) or ManagedNetwork(definition)
    network.persistent = definition
    world.networks.add(network)
    return network


def _invalid(text: str) -> VirtError:
    return VirtError(Code.OPERATION_INVALID, text, source=From.NETWORK)
