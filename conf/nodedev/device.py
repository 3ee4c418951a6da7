# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<device>`: a device of the host, or the wish for one."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from conf.binding import FormatOptions, Model, ParseOptions, attr, child, child_text, children, text
from conf.binding.fields import Values
from conf.errors import InternalError, XMLError
from conf.naming import NAME
from conf.nodedev.mdev import MdevCapability
from conf.nodedev.net import NetCapability
from conf.nodedev.others import DRMCapability, SystemCapability, VDPACapability
from conf.nodedev.pci import PCICapability
from conf.nodedev.s390 import APCardCapability, APMatrixCapability, APQueueCapability, CCWCapability, CSSCapability
from conf.nodedev.scsi import SCSICapability, SCSIGenericCapability, SCSIHostCapability, SCSITargetCapability
from conf.nodedev.storage import StorageCapability
from conf.nodedev.usb import USBDeviceCapability, USBInterfaceCapability

#: Types of which libvirt reads no document, by the number its complaint has: some only stand inside other capabilities.
UNREAD = {
    "fc_host": 9,
    "vports": 10,
    "scsi_generic": 11,
    "mdev_types": 13,
    "vdpa": 17,
    "vpd": 21,
}


class InnerCapability(Model):
    """A capability that can only stand in another one."""

    type: Literal["fc_host", "vports", "mdev_types", "vpd"] = attr()


AnyCapability: TypeAlias = (
    SystemCapability
    | PCICapability
    | USBDeviceCapability
    | USBInterfaceCapability
    | NetCapability
    | SCSIHostCapability
    | SCSITargetCapability
    | SCSICapability
    | SCSIGenericCapability
    | StorageCapability
    | DRMCapability
    | MdevCapability
    | CCWCapability
    | CSSCapability
    | VDPACapability
    | APCardCapability
    | APQueueCapability
    | APMatrixCapability
    | InnerCapability
)


class DevNode(Model):
    """`<devnode>`: the device's file below /dev, and links to it."""

    type: Literal["dev", "link"] = attr(required=True)
    path: str | None = text()


class Driver(Model):
    """`<driver>`: the kernel's driver that has the device."""

    name: str | None = child_text()


def _unshown(_value: Any, _own: Values, _around: Values, _options: FormatOptions) -> None:
    """What says which parent is meant is not said of a device that has one."""


def _parent(xml: str) -> Any:
    return attr(xml, at="parent", empty_is_unset=True, shown=_unshown)


class NodeDevice(Model):
    """`<device>`.  The parent of one to be made is named, or found by the names of its port or of its fabric."""

    name: str = child_text()
    path: str | None = child_text()
    devnodes: list[DevNode] = children("devnode")
    parent: str | None = child_text()
    parent_wwnn: str | None = _parent("wwnn")
    parent_wwpn: str | None = _parent("wwpn")
    parent_fabric_wwn: str | None = _parent("fabric_wwn")
    driver: Driver | None = child()
    capabilities: list[AnyCapability] = children("capability", by="type")

    def check(self, options: ParseOptions) -> None:
        self._check_parent()
        if not self.capabilities:
            raise InternalError(f"no device capabilities for '{NAME}'")
        for capability in self.capabilities:
            if capability.type in UNREAD:
                raise InternalError(f"unknown capability type '{UNREAD[capability.type]}' for '{NAME}'")
        files = [node for node in self.devnodes if node.type == "dev"]
        self.devnodes = files[-1:] + [node for node in self.devnodes if node.type == "link"]

    def _check_parent(self) -> None:
        given = {"wwnn": self.parent_wwnn, "wwpn": self.parent_wwpn}
        for one, other in (("wwnn", "wwpn"), ("wwpn", "wwnn")):
            if given[one] and not given[other]:
                raise XMLError(f"when providing parent {one}='{given[one]}', the {other} must also be provided")
