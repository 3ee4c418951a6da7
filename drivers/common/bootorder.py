# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest boots from that does not say so."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from conf.domain import Domain
from conf.domain.devices.info import BootableDevice, RomDevice
from conf.domain.os import Boot


def choose_boot_order(domain: Domain) -> None:
    """Without any order, from the hard disk."""
    if domain.os.boots:
        return
    devices = domain.devices
    bootable: Iterable[BootableDevice | RomDevice] = chain(
        devices.disks, devices.interfaces, devices.hostdevs, devices.redirdevs, devices.filesystems
    )
    if all(device.boot is None for device in bootable):
        domain.os.boots.append(Boot(dev="hd"))
