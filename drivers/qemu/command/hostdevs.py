# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host that are handed to the guest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from conf.domain.devices.address import DriveAddress, UnassignedAddress
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.interface import Interface
from conf.domain.devices.interface_source import InterfaceHostPCI
from drivers.qemu.command.address import add_device, address_props, controller, controller_alias
from drivers.qemu.command.bootindex import boot_index
from drivers.qemu.command.context import Build
from drivers.qemu.command.interfaces import rom_props
from drivers.qemu.command.line import CommandLine, Props, props
from drivers.qemu.command.virtio import virtio_props
from virtd.errors import Code, VirtError


def add_hostdevs(build: Build, line: CommandLine) -> None:
    """All devices of the host, network cards given as interfaces first."""
    for interface in build.domain.devices.interfaces:
        if interface.type == "hostdev":
            add_device(line, interface, interface_hostdev_props(build, interface))
    for hostdev in build.domain.devices.hostdevs:
        if hostdev.mode == "subsystem" and not isinstance(hostdev.address, UnassignedAddress):
            if hostdev.type == "scsi":
                line.add_json("-blockdev", scsi_backend(build, hostdev))
            # QEMU numbers mediated devices for an S/390 itself.
            add_device(line, hostdev, hostdev_props(build, hostdev), companion=hostdev.type != "mdev")


def hostdev_props(build: Build, hostdev: Hostdev) -> Props:
    """-device of a device of the host.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, it is of a kind that QEMU does not take.
    """
    maker = _MAKERS.get(hostdev.type)
    if maker is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"hostdev type '{hostdev.type}' is not supported by QEMU")
    return props(maker(build, hostdev))


def interface_hostdev_props(build: Build, interface: Interface) -> Props:
    """-device of an interface that is a PCI device of the host."""
    source = interface.source.hostdev if interface.source else None
    if not isinstance(source, InterfaceHostPCI):
        raise VirtError(Code.CONFIG_UNSUPPORTED, "network device type 'hostdev' requires a PCI device")
    teaming = interface.teaming
    return props(
        {
            "driver": "vfio-pci",
            "host": str(source),
            "id": interface.alias,
            "bootindex": boot_index(build.domain, interface),
            "failover_pair_id": teaming.persistent if teaming is not None and teaming.type == "transient" else None,
            **address_props(build, interface),
            **rom_props(interface),
        }
    )


def _usb(build: Build, hostdev: Hostdev) -> Props:
    usb, reset = hostdev.source.usb, hostdev.source.guest_reset
    place = f"/dev/bus/usb/{usb.bus:03d}/{usb.device:03d}" if usb is not None else None
    return {
        "driver": "usb-host",
        "hostdevice": place,
        "id": hostdev.alias,
        "bootindex": boot_index(build.domain, hostdev),
        "guest-reset": None if reset is None else reset != "off",
        "guest-resets-all": None if reset in (None, "off") else reset == "on",
        **address_props(build, hostdev),
    }


def _pci(build: Build, hostdev: Hostdev) -> Props:
    teaming = hostdev.teaming
    return {
        "driver": "vfio-pci",
        "host": str(hostdev.source.pci),
        "id": hostdev.alias,
        "bootindex": boot_index(build.domain, hostdev),
        "failover_pair_id": teaming.persistent if teaming is not None and teaming.type == "transient" else None,
        **address_props(build, hostdev),
        **rom_props(hostdev),
    }


def _mdev(build: Build, hostdev: Hostdev) -> Props:
    mdev = hostdev.source.mdev
    assert mdev is not None
    ramfb = bool(hostdev.ramfb)
    return {
        "driver": "vfio-pci-nohotplug" if ramfb else hostdev.model,
        "id": hostdev.alias,
        "sysfsdev": f"/sys/bus/mdev/devices/{mdev.uuid}",
        "display": None if hostdev.display is None else "on" if hostdev.display else "off",
        "ramfb": True if ramfb else None,
        "bootindex": boot_index(build.domain, hostdev),
        **address_props(build, hostdev),
    }


def _scsi(build: Build, hostdev: Hostdev) -> Props:
    address = hostdev.address
    if not isinstance(address, DriveAddress):
        raise VirtError(Code.INTERNAL_ERROR, "unexpected address type for SCSI host device")
    adapter = controller(build, "scsi", address.controller)
    flat = adapter is not None and adapter.model == "lsilogic"
    place: Props = {"scsi-id": address.unit}
    if not flat:
        place = {"channel": address.bus, "scsi-id": address.target, "lun": address.unit}
    return {
        "driver": "scsi-generic",
        "drive": backend_node(hostdev),
        "id": hostdev.alias,
        "bootindex": boot_index(build.domain, hostdev),
        "bus": f"{controller_alias(build, 'scsi', address.controller)}.0",
        **place,
    }


def _scsi_host(build: Build, hostdev: Hostdev) -> Props:
    fd = build.context.descriptors.get(hostdev.alias or "", -1)
    return {
        **virtio_props(build, "vhost-scsi", hostdev, None, hostdev.model),
        "wwpn": hostdev.source.wwpn,
        "vhostfd": str(fd),
        "id": hostdev.alias,
        **address_props(build, hostdev),
    }


_MAKERS: dict[str, Callable[[Build, Hostdev], Props]] = {
    "usb": _usb,
    "pci": _pci,
    "mdev": _mdev,
    "scsi": _scsi,
    "scsi_host": _scsi_host,
}


# --- the block node of a SCSI device ----------------------------------------------------------------


def number_backends(hostdevs: Iterable[Hostdev], last: int) -> int:
    """Give iSCSI devices their numbers, which go on from those of images; returns the last one given."""
    for hostdev in hostdevs:
        if hostdev.type == "scsi" and hostdev.source.protocol == "iscsi":
            last += 1
            hostdev.source.index = last
    return last


def backend_node(hostdev: Hostdev) -> str:
    """The node of a SCSI device of the host."""
    return f"libvirt-{hostdev.source.index or hostdev.alias}-backend"


def scsi_backend(build: Build, hostdev: Hostdev) -> Props:
    """-blockdev of a SCSI device of the host."""
    source = hostdev.source
    common: Props = {"node-name": backend_node(hostdev), "read-only": bool(hostdev.readonly)}
    if source.protocol == "iscsi":
        target, slash, lun = (source.name or "").partition("/")
        if slash and not lun.isdecimal():
            raise VirtError(Code.INTERNAL_ERROR, f"cannot parse target for lunStr '{target}'")
        portal = source.hosts[0]
        name = portal.name or ""
        host = f"[{name}]" if ":" in name else name
        iqn = source.initiator.iqn.name if source.initiator and source.initiator.iqn else None
        return props(
            {
                "driver": "iscsi",
                "portal": f"{host}:{portal.port or 0}",
                "target": target,
                "lun": int(lun) if slash else 0,
                "transport": "tcp",
                "initiator-name": iqn,
                **common,
            }
        )
    return {"driver": "host_device", "filename": _generic_device(build, hostdev), **common}


def _generic_device(build: Build, hostdev: Hostdev) -> str:
    """The character device of a logical unit (/dev/sgN)."""
    path = build.context.paths.get(hostdev.alias or "")
    if path is None:
        raise VirtError(Code.INTERNAL_ERROR, f"SCSI device of '{hostdev.alias}' was not found on this host")
    return path
