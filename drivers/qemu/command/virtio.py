# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all virtio devices have in common: their type's name and their options."""

from __future__ import annotations

from conf.domain.devices.address import CCWAddress, PCIAddress, VirtioMMIOAddress
from conf.domain.devices.info import DeviceInfo
from conf.domain.devices.virtio import VirtioOptions
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import Props, props
from virtd.errors import Code, VirtError

#: Kinds that QEMU has as types of their own for each generation of virtio over PCI.
_WITH_GENERATIONS = frozenset(
    {
        "virtio-blk",
        "virtio-net",
        "vhost-scsi",
        "virtio-rng",
        "virtio-9p",
        "virtio-balloon",
        "vhost-vsock",
        "virtio-input-host",
        "virtio-scsi",
        "virtio-serial",
        "vhost-user-blk",
    }
)


def virtio_type(build: Build, kind: str, device: DeviceInfo, model: str | None = None) -> str:
    """QEMU's name for a virtio device of this kind where it sits, and for the generation its model asks for."""
    generation = (model or "").removeprefix("virtio")
    if kind not in _WITH_GENERATIONS or not build.caps.has("virtio-pci-non-transitional"):
        generation = ""
    match device.address:
        case PCIAddress():
            return f"{kind}-pci{generation}"
        case CCWAddress():
            return f"{kind}-ccw{generation}"
        case VirtioMMIOAddress():
            return f"{kind}-device{generation}"
        case None:
            raise VirtError(Code.INTERNAL_ERROR, "Unexpected enum value 0 for virDomainDeviceAddressType")
        case other:
            raise VirtError(Code.INTERNAL_ERROR, f"Unexpected address type for '{kind}': {other.type}")


def virtio_props(
    build: Build, kind: str, device: DeviceInfo, options: VirtioOptions | None, model: str | None
) -> Props:
    """The type and the options that any virtio device can have."""
    name = virtio_type(build, kind, device, model)
    return props({"driver": name, **_generation(build, kind, device, model), **_options(options)})


def _generation(build: Build, kind: str, device: DeviceInfo, model: str | None) -> Props:
    """The generation as properties, for types that have no names for it."""
    if not isinstance(device.address, PCIAddress) or model not in ("virtio-transitional", "virtio-non-transitional"):
        return {}
    if kind in _WITH_GENERATIONS and build.caps.has("virtio-pci-non-transitional"):
        return {}
    modern = model == "virtio-non-transitional"
    return {"disable-legacy": "on" if modern else "off", "disable-modern": False}


def _options(options: VirtioOptions | None) -> Props:
    if options is None:
        return {}
    return {
        "iommu_platform": options.iommu,
        "ats": options.ats,
        "packed": options.packed,
        "page-per-vq": options.page_per_vq,
    }
