# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<capability type='pci'>`: a PCI function of the host."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import Int, Model, ParseOptions, Scalar, Uint, attr, child, child_text, children
from conf.binding.scalars import BadValueError, read_number
from conf.domain.devices.address import HostPCIAddress
from conf.errors import InternalError, XMLError
from conf.naming import NAME
from conf.nodedev.mdev import MdevTypes
from conf.nodedev.values import Capability, HexId, counted, identified, nested, require_ids, untyped
from conf.nodedev.vpd import Vpd


def _parse_class(text: str) -> int | None:
    """Three bytes; a negative number is no class."""
    value = read_number(text, 16)
    if value > 0xFFFFFF:
        raise BadValueError
    return value if value >= 0 else None


PCIClass = Annotated[int, Scalar(_parse_class, lambda value: f"0x{value:06x}")]


class PhysFunction(Model):
    """`<capability type='phys_function'>`: the function whose virtual one this is."""

    type: Literal["phys_function"] = attr(default="phys_function")
    address: HostPCIAddress = child(required=(XMLError, "Missing address in 'phys_function' capability"))


class VirtFunctions(Model):
    """`<capability type='virt_functions'>`: the virtual functions there are; `max_count` there could be."""

    type: Literal["virt_functions"] = attr(default="virt_functions")
    max_count: Uint = attr(
        "maxCount", default=0, omit=0, empty_is_unset=True, error=(XMLError, "Malformed 'maxCount' parameter")
    )
    addresses: list[HostPCIAddress] = children("address")


class PCIBridge(Model):
    """`<capability type='pci-bridge'>`."""

    type: Literal["pci-bridge"] = attr(default="pci-bridge")


class CardbusBridge(Model):
    """`<capability type='cardbus-bridge'>`."""

    type: Literal["cardbus-bridge"] = attr(default="cardbus-bridge")


class IommuGroup(Model):
    """`<iommuGroup>`: the functions that can only be given away together."""

    number: Uint = attr(required=True)
    addresses: list[HostPCIAddress] = children("address")


class Link(Model):
    """`<link>` of PCI Express: what it can do (`cap`) and what it does (`sta`)."""

    validity: Literal["cap", "sta"] = attr()
    port: Int | None = attr()
    speed: Literal["2.5", "5", "8", "16", "32", "64"] | None = attr(empty_is_unset=True)
    width: Uint = attr(required=True)

    def check(self, options: ParseOptions) -> None:
        self.port = None if self.port is not None and self.port < 0 else self.port


class PCIExpress(Model):
    """`<pci-express>`."""

    capable: Link | None = child("link", having=("validity", "cap"))
    status: Link | None = child("link", having=("validity", "sta"))


class PCICapability(Capability):
    """`<capability type='pci'>`; `numa_node` None where there is none."""

    type: Literal["pci"] = attr(default="pci")
    class_: PCIClass | None = child_text(error=(InternalError, f"invalid PCI class supplied for '{NAME}'"))
    domain: Uint = counted("domain", "PCI domain ID")
    bus: Uint = counted("bus", "PCI bus ID")
    slot: Uint = counted("slot", "PCI slot ID")
    function: Uint = counted("function", "PCI function ID")
    product: str | None = child_text()
    product_id: HexId = identified("product", "PCI product")
    vendor: str | None = child_text()
    vendor_id: HexId = identified("vendor", "PCI vendor")
    typed: bool | None = nested(untyped)
    phys_function: PhysFunction | None = child("capability", having=("type", "phys_function"))
    virt_functions: VirtFunctions | None = child("capability", having=("type", "virt_functions"))
    pci_bridge: PCIBridge | None = child("capability", having=("type", "pci-bridge"))
    cardbus_bridge: CardbusBridge | None = child("capability", having=("type", "cardbus-bridge"))
    mdev_types: MdevTypes | None = child("capability", having=("type", "mdev_types"))
    vpd: Vpd | None = child("capability", having=("type", "vpd"))
    iommu_group: IommuGroup | None = child("iommuGroup")
    numa_node: Int | None = attr(
        "node",
        at="numa",
        empty_is_unset=True,
        error=(InternalError, f"invalid NUMA node ID supplied for '{NAME}'"),
    )
    pci_express: PCIExpress | None = child("pci-express", keep_empty=True)

    def check(self, options: ParseOptions) -> None:
        require_ids("PCI", self.vendor_id, self.product_id)
        if self.iommu_group is not None and not self.iommu_group.addresses:
            self.iommu_group = None
        self.numa_node = None if self.numa_node is not None and self.numa_node < 0 else self.numa_node
