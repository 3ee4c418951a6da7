# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest boots from that does not say so."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.info import BootableDevice, RomDevice
from conf.domain.os import Boot


def choose_boot_order(domain: Domain) -> None:
    """Without any order, from the hard disk."""
    devices = domain.devices
    roms: list[RomDevice] = [*devices.interfaces, *devices.hostdevs]
    bootable: list[BootableDevice | RomDevice] = [
        *devices.disks,
        *roms,
        *devices.redirdevs,
        *devices.filesystems,
    ]
    if not domain.os.boots and not any(device.boot for device in bootable):
        domain.os.boots.append(Boot(dev="hd"))
