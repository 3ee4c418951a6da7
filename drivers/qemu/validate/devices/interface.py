# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<interface>`."""

from __future__ import annotations

from conf.domain.devices.address import PCIAddress, UnassignedAddress
from conf.domain.devices.interface import Interface
from drivers.qemu.validate.complaints import contradiction, unsupported
from drivers.qemu.validate.question import Question
from virtd.errors import Code, VirtError

_MTU_TYPES = ("network", "bridge", "ethernet", "vhostuser")
_COALESCE_TYPES = ("network", "bridge")
#: QEMU's own network needs room for its addresses.
_IPV4_PREFIXES = range(4, 28)
_IPV6_PREFIX = 64


def check_interface(interface: Interface, _question: Question) -> None:
    """Raise VirtError for an interface that QEMU does not have."""
    _check_kind(interface)
    _check_addresses(interface)
    _check_teaming(interface)
    _check_queues(interface)
    if interface.mtu and interface.mtu.size and interface.type not in _MTU_TYPES:
        raise unsupported(f"setting MTU on interface type {interface.type} is not supported yet")
    frames = interface.coalesce.rx.frames if interface.coalesce and interface.coalesce.rx else None
    if frames and frames.max is not None and interface.type not in _COALESCE_TYPES:
        raise unsupported(f"coalesce settings on interface type {interface.type} are not supported")


def _check_kind(interface: Interface) -> None:
    if interface.backend and interface.backend.type == "passt":
        raise contradiction("Invalid value for attribute 'type' in element 'backend': 'passt'.")
    if interface.source and interface.source.write_filtering is not None:
        raise unsupported("Write filtering of PCI device configuration space is not supported by qemu")
    if interface.type == "vdpa" and not interface.is_virtio and interface.model and interface.model.type:
        raise unsupported(f"invalid model for interface of type 'vdpa': '{interface.model.type}'")
    hostdev = interface.source.hostdev if interface.type == "hostdev" and interface.source else None
    is_pci = hostdev is not None and hostdev.type == "pci"
    if is_pci and not isinstance(interface.address, PCIAddress | UnassignedAddress | None):
        raise VirtError(Code.INTERNAL_ERROR, "PCI host devices must use 'pci' or 'unassigned' address type")


def _check_addresses(interface: Interface) -> None:
    """Only QEMU's own network can give the guest an address, one of each family."""
    if interface.type == "vdpa":
        return
    if interface.type != "user":
        if interface.ips or interface.routes:
            raise unsupported(
                "Invalid attempt to set network interface guest-side IP route and/or address info, "
                "not supported by QEMU"
            )
        return
    if interface.routes:
        raise unsupported("Invalid attempt to set network interface guest-side IP route, not supported by QEMU")
    families: set[str | None] = set()
    for ip in interface.ips:
        if ip.peer is not None:
            raise unsupported("Invalid attempt to set peer IP for guest")
        if ip.family in families:
            raise unsupported(f"Only one {'IPv4' if ip.family == 'ipv4' else 'IPv6'} address per interface is allowed")
        families.add(ip.family)
        if not ip.prefix:
            continue
        if ip.family == "ipv4" and ip.prefix not in _IPV4_PREFIXES:
            raise contradiction("invalid prefix, must be in range of 4-27")
        if ip.family == "ipv6" and ip.prefix != _IPV6_PREFIX:
            raise unsupported(f"unsupported IPv6 address prefix='{ip.prefix}' - must be 64")


def _check_teaming(interface: Interface) -> None:
    kind = interface.teaming.type if interface.teaming else None
    if kind == "persistent" and not interface.is_virtio:
        model = interface.model.type if interface.model and interface.model.type else "(null)"
        raise unsupported(f"virtio-net teaming persistent interface must be <model type='virtio'/>, not '{model}'")
    if kind == "transient" and interface.type not in ("hostdev", "network"):
        raise unsupported(f"virtio-net teaming transient interface must be type='hostdev', not '{interface.type}'")


def _check_queues(interface: Interface) -> None:
    for name in ("rx_queue_size", "tx_queue_size"):
        size = getattr(interface.driver, name) if interface.driver else None
        if size and size & (size - 1):
            raise unsupported(f"{name} has to be a power of two")
