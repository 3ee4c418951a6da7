# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's devices; virtual Fibre Channel adapters come and go."""

from __future__ import annotations

from conf.nodedev import NodeDevice, parse_node_device
from conf.nodedev.scsi import FCHost, SCSIHostCapability
from drivers.common.nodedevices import NodeDeviceLookup, capabilities
from drivers.common.schema import validated
from drivers.test.base import Part
from virtd.enums import NodeDeviceCreateXMLFlags, NodeDeviceEventID
from virtd.enums import NodeDeviceEventLifecycleType as Lifecycle
from virtd.errors import Code, From, VirtError, check_flags
from virtd.events import Event, Kind
from virtd.refs import NodeDeviceRef


class NodeDeviceApi(Part, NodeDeviceLookup):
    """virNodeDevice…, virConnectListAllNodeDevices, virNodeListDevices."""

    @property
    def devices(self) -> dict[str, NodeDevice]:
        """Those of the host that the calling client has open."""
        return self.world.devices

    @validated("nodedev.rng", NodeDeviceCreateXMLFlags.VALIDATE)
    def node_device_create_xml(self, xml_desc: str, flags: int) -> NodeDeviceRef:
        """virNodeDeviceCreateXML: a virtual port of an adapter that can have some."""
        check_flags(flags, NodeDeviceCreateXMLFlags.VALIDATE, "testNodeDeviceCreateXML")
        device = parse_node_device(xml_desc, creating=True)
        ports = _ports(device)
        if not ports:
            raise _failed("Device is not a fibre channel HBA")
        port = ports[0]
        for kind, value in (("WWNN", port.wwnn), ("WWPN", port.wwpn)):
            if value is None:
                raise _failed(f"no {kind} supplied for '{device.name}', and auto-generation failed")
        parent = self._parent(device)
        device.parent, port.fabric_wwn = parent.name, _ports(parent)[0].fabric_wwn
        self._number(device)
        self.devices[device.name] = device
        self._tell(device, Lifecycle.CREATED)
        return NodeDeviceRef(device.name)

    def _parent(self, device: NodeDevice) -> NodeDevice:
        """The adapter that a new port belongs to: named, known by its port, or any.

        Raises:
            VirtError: INTERNAL_ERROR: there is none, or it can have no ports.
        """
        adapters = [d for d in self.devices.values() if "vports" in capabilities(d)]
        if device.parent is not None:
            found = self.devices.get(device.parent)
        elif device.parent_wwnn or device.parent_fabric_wwn:
            found = next((adapter for adapter in adapters if _is_meant(adapter, device)), None)
        else:
            found = next(iter(adapters), None)
        if found is None:
            raise _failed(f"Could not find parent device for '{device.name}'")
        if found not in adapters:
            raise _failed(f"Parent device {found.name} is not capable of vport operations")
        return found

    def _number(self, device: NodeDevice) -> None:
        """The host's next adapter."""
        hosts = (
            c.host or 0 for d in self.devices.values() for c in d.capabilities if isinstance(c, SCSIHostCapability)
        )
        adapter = next(c for c in device.capabilities if isinstance(c, SCSIHostCapability))
        adapter.host = max(hosts, default=-1) + 1
        adapter.unique_id = adapter.host - 1
        device.name = f"scsi_host{adapter.host}"

    def node_device_destroy(self, name: str) -> None:
        """virNodeDeviceDestroy."""
        device = self.device(name)
        del self.devices[name]
        self._tell(device, Lifecycle.DELETED)

    def _tell(self, device: NodeDevice, what: int) -> None:
        event = Event(Kind.NODE_DEVICE, NodeDeviceEventID.LIFECYCLE, NodeDeviceRef(device.name), (what, 0))
        self.world.events.emit(event)


def _ports(device: NodeDevice) -> list[FCHost]:
    """The Fibre Channel side of an adapter."""
    adapters = (capability for capability in device.capabilities if isinstance(capability, SCSIHostCapability))
    return [adapter.fc_host for adapter in adapters if adapter.fc_host is not None]


def _is_meant(adapter: NodeDevice, device: NodeDevice) -> bool:
    """Whether the parent of `device` is this adapter, by the names of its port or its fabric."""
    for port in _ports(adapter):
        if device.parent_wwnn:
            return (port.wwnn, port.wwpn) == (device.parent_wwnn, device.parent_wwpn)
        return port.fabric_wwn == device.parent_fabric_wwn
    return False


def _failed(text: str) -> VirtError:
    return VirtError(Code.INTERNAL_ERROR, text, source=From.NODEDEV)
