# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's devices: what they can do, and finding and listing them."""

from __future__ import annotations

from typing import ClassVar

from conf.nodedev import NodeDevice, format_node_device
from drivers.common.filters import passes
from virtd.enums import ConnectListAllNodeDeviceFlags as List
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import NodeDeviceRef

#: Capability → the filter that asks for it.
FILTERS: dict[str, int] = {
    "system": List.CAP_SYSTEM,
    "pci": List.CAP_PCI_DEV,
    "usb_device": List.CAP_USB_DEV,
    "usb": List.CAP_USB_INTERFACE,
    "net": List.CAP_NET,
    "scsi_host": List.CAP_SCSI_HOST,
    "scsi_target": List.CAP_SCSI_TARGET,
    "scsi": List.CAP_SCSI,
    "storage": List.CAP_STORAGE,
    "fc_host": List.CAP_FC_HOST,
    "vports": List.CAP_VPORTS,
    "scsi_generic": List.CAP_SCSI_GENERIC,
    "drm": List.CAP_DRM,
    "mdev_types": List.CAP_MDEV_TYPES,
    "mdev": List.CAP_MDEV,
    "ccw": List.CAP_CCW_DEV,
    "css": List.CAP_CSS_DEV,
    "vdpa": List.CAP_VDPA,
    "ap_card": List.CAP_AP_CARD,
    "ap_queue": List.CAP_AP_QUEUE,
    "ap_matrix": List.CAP_AP_MATRIX,
    "vpd": List.CAP_VPD,
}
_CAPABILITIES = sum(FILTERS.values())
_ACTIVE = List.ACTIVE, List.INACTIVE

#: Field of a capability → the further capability that a device has with it.
_INNER = {"fc_host": "fc_host", "vport_ops": "vports", "mdev_types": "mdev_types", "vpd": "vpd"}


def capabilities(device: NodeDevice) -> list[str]:
    """What a device can do, the capabilities inside others among it."""
    found = []
    for capability in device.capabilities:
        found.append(str(capability.type))
        found += [name for field, name in _INNER.items() if getattr(capability, field, None)]
    return found


class NodeDeviceLookup:
    """virNodeDeviceLookupByName, virConnectListAllNodeDevices, and what is known of a device."""

    #: With what the driver's own functions begin.
    prefix: ClassVar[str]

    @property
    def devices(self) -> dict[str, NodeDevice]:
        """Those of the host, by name."""
        raise NotImplementedError

    def device(self, name: str) -> NodeDevice:
        """The device of this name.  Raises NO_NODE_DEVICE."""
        found = self.devices.get(name)
        if found is None:
            raise VirtError(Code.NO_NODE_DEVICE, f"no node device with matching name '{name}'")
        return found

    def node_device_lookup_by_name(self, name: str) -> NodeDeviceRef:
        """virNodeDeviceLookupByName."""
        return NodeDeviceRef(self.device(name).name)

    def node_device_lookup_scsi_host_by_wwn(self, wwnn: str, wwpn: str, flags: int) -> NodeDeviceRef:
        """virNodeDeviceLookupSCSIHostByWWN."""
        check_flags(flags, 0, f"{self.prefix}NodeDeviceLookupSCSIHostByWWN")
        for device in self.devices.values():
            ports = (getattr(capability, "fc_host", None) for capability in device.capabilities)
            if any(port is not None and (port.wwnn, port.wwpn) == (wwnn, wwpn) for port in ports):
                return NodeDeviceRef(device.name)
        raise VirtError(Code.NO_NODE_DEVICE, f"no node device with matching WWNN '{wwnn}' and WWPN '{wwpn}'")

    def connect_list_all_node_devices(self, flags: int) -> list[NodeDeviceRef]:
        """virConnectListAllNodeDevices."""
        check_flags(flags, _CAPABILITIES | sum(_ACTIVE), f"{self.prefix}ConnectListAllNodeDevices")
        return [
            NodeDeviceRef(device.name)
            for device in self.devices.values()
            if passes(flags, _ACTIVE, True) and (not flags & _CAPABILITIES or flags & _filters(device))
        ]

    def node_list_devices(self, cap: str | None, flags: int) -> list[str]:
        """virNodeListDevices: names of those with a capability."""
        check_flags(flags, 0, f"{self.prefix}NodeListDevices")
        return [device.name for device in self.devices.values() if cap is None or cap in capabilities(device)]

    def node_device_get_xml_desc(self, name: str, flags: int) -> str:
        """virNodeDeviceGetXMLDesc."""
        check_flags(flags, 0, f"{self.prefix}NodeDeviceGetXMLDesc")
        return format_node_device(self.device(name))

    def node_device_get_parent(self, name: str) -> str | None:
        """virNodeDeviceGetParent."""
        return self.device(name).parent

    def node_device_list_caps(self, name: str) -> list[str]:
        """virNodeDeviceListCaps."""
        return capabilities(self.device(name))

    def node_device_is_active(self, name: str) -> int:
        """virNodeDeviceIsActive: devices that are only defined are not kept."""
        self.device(name)
        return 1

    def node_device_is_persistent(self, name: str) -> int:
        """virNodeDeviceIsPersistent: the host's own devices are."""
        self.device(name)
        return 1


def _filters(device: NodeDevice) -> int:
    return sum({FILTERS[name] for name in capabilities(device)})
