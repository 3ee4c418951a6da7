# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that make no sense, whatever hypervisor they are for.

These checks come after the defaults are filled in; a driver adds those of its hypervisor.  What already
the element itself cannot mean is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.binding import Model
from conf.domain.devices.address import UnassignedAddress
from conf.domain.devices.kinds import by_kind, kinds_with
from conf.domain.domain import Domain
from conf.domain.validation.character import check_character, check_console, check_rng
from conf.domain.validation.controller import check_controller, check_controllers
from conf.domain.validation.disk import check_disk, check_disks
from conf.domain.validation.display import check_graphics, check_video, check_videos
from conf.domain.validation.firmware import check_firmware
from conf.domain.validation.host import check_hostdev, check_hostdevs
from conf.domain.validation.interface import check_interface
from conf.domain.validation.memory import check_memory
from conf.domain.validation.others import (
    check_filesystem,
    check_input,
    check_iommu,
    check_panics,
    check_shmem,
    check_smartcard,
    check_tpm,
    check_vsock,
)
from conf.domain.validation.references import check_aliases, check_audio, check_boot_orders
from conf.domain.validation.resources import check_hugepages, check_timers
from conf.domain.validation.usb import check_usb
from conf.errors import ConfigUnsupportedError

__all__ = ["validate", "validate_early"]

#: The lists of `Devices` (or single devices), in the order in which they are looked at; the check of each in it.
_DEVICE_CHECKS: dict[str, Callable[[Any, Domain], None] | None] = {
    "disks": check_disk,
    "interfaces": check_interface,
    "sounds": None,
    "hostdevs": check_hostdev,
    "smartcards": check_smartcard,
    "controllers": check_controller,
    "serials": check_character,
    "parallels": check_character,
    "channels": check_character,
    "consoles": check_console,
    "inputs": check_input,
    "filesystems": check_filesystem,
    "watchdogs": None,
    "memballoon": None,
    "rngs": check_rng,
    "nvram": None,
    "hubs": None,
    "shmems": check_shmem,
    "tpms": check_tpm,
    "panics": None,
    "memories": check_memory,
    "redirdevs": check_character,
    "videos": check_video,
    "iommu": check_iommu,
    "vsock": check_vsock,
    "leases": None,
    "graphics": check_graphics,
    "audios": None,
}
#: Kinds of devices that have a place; only what is handed over may leave it with the host.
_ASSIGNED = kinds_with("address") - {"hostdevs"}
#: What must be sound before devices can be given their places.
_EARLY_CHECKS: tuple[Callable[[Domain], None], ...] = (check_controllers, check_panics, check_boot_orders)
_DOMAIN_CHECKS: tuple[Callable[[Domain], None], ...] = (
    check_disks,
    check_firmware,
    check_timers,
    check_hugepages,
    check_usb,
    check_hostdevs,
    check_videos,
    check_audio,
    check_aliases,
)


def validate_early(domain: Domain) -> None:
    """Check a definition whose devices have no addresses yet.

    Raises:
        ConfError: with libvirt's code and text.
    """
    for check in _EARLY_CHECKS:
        check(domain)


def validate(domain: Domain, check_for_driver: Callable[[Model], None] | None = None) -> None:
    """Check a completed definition; of each device, a driver says, too, whether it can be had.

    Raises:
        ConfError: with libvirt's code and text.
    """
    kinds = by_kind(domain.devices)
    for name, check in _DEVICE_CHECKS.items():
        for device in kinds.get(name, ()):
            if name in _ASSIGNED and type(device.address) is UnassignedAddress:
                raise ConfigUnsupportedError("address of type 'unassigned' is supported only for hostdevs")
            if check is not None:
                check(device, domain)
            if check_for_driver is not None:
                check_for_driver(device)
    for check_domain in _DOMAIN_CHECKS:
        check_domain(domain)
