# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<hostdev>`."""

from __future__ import annotations

from conf.domain.devices.address import CCWAddress, DriveAddress, PCIAddress, UnassignedAddress, USBAddress
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.interface import Interface
from conf.domain.devices.interface_source import InterfaceHostPCI
from conf.domain.domain import Domain
from conf.errors import ConfError, ConfigUnsupportedError, InternalError, XMLError


def check_hostdev(hostdev: Hostdev, _domain: Domain) -> None:
    """Raise ConfError for a device that cannot be assigned as asked."""
    complaint = _wrong_place(hostdev)
    if complaint is not None:
        raise complaint
    if hostdev.sgio == "unfiltered":
        raise ConfigUnsupportedError("unfiltered sgio is no longer supported")
    if hostdev.teaming is not None:
        if hostdev.teaming.type != "transient":
            raise ConfigUnsupportedError("teaming hostdev devices must have type='transient'")
        if hostdev.type != "pci":
            raise ConfigUnsupportedError("teaming is only supported for pci hostdev devices")


def _wrong_place(hostdev: Hostdev) -> ConfError | None:
    """The complaint about an address of the wrong kind."""
    address = hostdev.address
    if address is None:
        return None
    if hostdev.type == "pci" and not isinstance(address, PCIAddress | UnassignedAddress):
        return InternalError("PCI host devices must use 'pci' or 'unassigned' address type")
    if hostdev.type == "usb" and not isinstance(address, USBAddress):
        return ConfigUnsupportedError("USB host device must use 'usb' address type")
    if hostdev.type == "scsi" and not isinstance(address, DriveAddress):
        return ConfigUnsupportedError("SCSI host device must use 'drive' address type")
    if hostdev.type == "scsi_host" and not isinstance(address, PCIAddress | CCWAddress):
        return ConfigUnsupportedError("SCSI_host host device must use 'pci' or 'ccw' address type")
    if hostdev.type == "mdev":
        return _wrong_mdev_place(hostdev)
    return None


def _wrong_mdev_place(hostdev: Hostdev) -> ConfError | None:
    allowed = {"vfio-pci": "pci", "vfio-ccw": "ccw", "vfio-ap": None}.get(hostdev.model or "")
    kind = hostdev.address.type if hostdev.address else None
    if kind == allowed or (kind == "unassigned" and hostdev.model != "vfio-ccw"):
        return None
    return XMLError(f"Unsupported address type '{kind}' with mediated device model '{hostdev.model}'")


def check_hostdevs(domain: Domain) -> None:
    """Raise ConfError for a host device given twice, or two SCSI devices in one place."""
    hostdevs = domain.devices.hostdevs
    interfaces = [_identity_of_interface(i) for i in domain.devices.interfaces if i.type == "hostdev"]
    seen: set[tuple[object, ...]] = set()
    for identity in [*interfaces, *map(_identity, hostdevs)]:
        if identity is not None and identity in seen:
            raise XMLError("Hostdev already exists in the domain configuration")
        seen.add(identity or ())
    if sum(1 for hostdev in hostdevs if hostdev.ramfb) > 1:
        raise ConfigUnsupportedError("Only one vgpu device can have 'ramfb' enabled")
    _check_drives(domain)


def _identity(hostdev: Hostdev) -> tuple[object, ...] | None:
    """Which device of the host is meant; None where that is not said."""
    source = hostdev.source
    if hostdev.type == "usb":
        if source.usb is not None:
            return ("usb", source.usb.bus, source.usb.device)
        return ("usb id", source.vendor.id, source.product.id if source.product else None) if source.vendor else None
    if hostdev.type == "pci":
        return ("pci", str(source.pci))
    if hostdev.type == "scsi" and source.protocol == "iscsi":
        return ("iscsi", source.name, *(host.name for host in source.hosts))
    members = ("mdev", "adapter", "scsi", "protocol", "wwpn", "block", "char", "interface")
    return (hostdev.type, *(repr(getattr(source, name)) for name in members))


def _identity_of_interface(interface: Interface) -> tuple[object, ...] | None:
    source = interface.source.hostdev if interface.source else None
    return ("pci", str(source)) if isinstance(source, InterfaceHostPCI) else None


def _check_drives(domain: Domain) -> None:
    seen: set[tuple[int, int, int, int]] = set()
    for hostdev in domain.devices.hostdevs:
        address = hostdev.address
        if not isinstance(address, DriveAddress):
            continue
        place = (address.controller, address.bus, address.target, address.unit)
        if place in seen:
            controller, bus, target, unit = place
            raise ConfigUnsupportedError(
                f"SCSI host address controller='{controller}' bus='{bus}' target='{target}' unit='{unit}' "
                "in use by another SCSI host device"
            )
        seen.add(place)
