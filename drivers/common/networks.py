# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual networks: what they are to every driver that has some, and finding and listing them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from conf.network import Network
from conf.networkport import NetworkPort
from drivers.common.filters import passes
from drivers.common.objectlist import ObjectList
from virtd.enums import ConnectListAllNetworksFlags as List
from virtd.errors import Code, From, VirtError, check_flags
from virtd.refs import NetworkRef

#: Pairs of filters: (the networks with it, those without).
_ACTIVE = List.ACTIVE, List.INACTIVE
_PERSISTENT = List.PERSISTENT, List.TRANSIENT
_AUTOSTART = List.AUTOSTART, List.NO_AUTOSTART
_KNOWN = sum((*_ACTIVE, *_PERSISTENT, *_AUTOSTART))


class ManagedNetwork:
    """A network: `live` is what is in force while it is active, `persistent` what is stored; one of them is there."""

    def __init__(self, definition: Network) -> None:
        self.name: str = definition.name
        self.uuid: bytes = UUID(definition.uuid).bytes
        self.live: Network | None = None
        self.persistent: Network | None = None
        self.autostart = False
        self.ports: dict[bytes, NetworkPort] = {}

    @property
    def active(self) -> bool:
        return self.live is not None

    @property
    def definition(self) -> Network:
        """What is in force, else what is stored."""
        definition = self.live or self.persistent
        assert definition is not None
        return definition

    @property
    def ref(self) -> NetworkRef:
        """The network as a client's handle."""
        return NetworkRef(self.name, self.uuid)


NetworkList = ObjectList[ManagedNetwork, Network]


def network_list() -> NetworkList:
    """An empty one."""
    return ObjectList("network", "network", Code.NO_NETWORK, From.NETWORK)


class NetworkLookup:
    """virNetworkLookupBy…, virConnectListAllNetworks, and what is known of a network."""

    #: What the driver calls its virConnectListAllNetworks.
    list_function: ClassVar[str]

    @property
    def networks(self) -> NetworkList:
        """Those that the caller may mean."""
        raise NotImplementedError

    def network(self, ref: NetworkRef) -> ManagedNetwork:
        """The network a client means.  Raises NO_NETWORK."""
        return self.networks.by_ref(ref)

    def network_lookup_by_name(self, name: str) -> NetworkRef:
        """virNetworkLookupByName."""
        return self.networks.by_name(name).ref

    def network_lookup_by_uuid(self, uuid: bytes) -> NetworkRef:
        """virNetworkLookupByUUID."""
        return self.networks.by_uuid(uuid).ref

    def connect_list_all_networks(self, flags: int) -> list[NetworkRef]:
        """virConnectListAllNetworks."""
        check_flags(flags, _KNOWN, self.list_function)
        return [
            network.ref
            for network in self.networks
            if passes(flags, _ACTIVE, network.active)
            and passes(flags, _PERSISTENT, network.persistent)
            and passes(flags, _AUTOSTART, network.autostart)
        ]

    def network_is_active(self, net: NetworkRef) -> int:
        """virNetworkIsActive."""
        return int(self.network(net).active)

    def network_is_persistent(self, net: NetworkRef) -> int:
        """virNetworkIsPersistent."""
        return int(self.network(net).persistent is not None)

    def network_get_autostart(self, net: NetworkRef) -> int:
        """virNetworkGetAutostart."""
        return int(self.network(net).autostart)

    def network_get_bridge_name(self, net: NetworkRef) -> str:
        """virNetworkGetBridgeName."""
        network = self.network(net)
        bridge = network.definition.bridge
        if bridge is None or not bridge.name:
            raise VirtError(Code.INTERNAL_ERROR, f"network '{network.name}' does not have a bridge name.")
        return bridge.name
