# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that make no sense, whatever hypervisor they are for.

These checks come after the defaults are filled in; a driver adds those of its hypervisor.  What already
the element itself cannot mean is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.domain.domain import Domain
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

__all__ = ["DEVICE_CHECKS", "validate", "validate_early"]

#: The list of `Devices` (or single device) → the check of each device in it.
DEVICE_CHECKS: dict[str, Callable[[Any, Domain], None]] = {
    "disks": check_disk,
    "controllers": check_controller,
    "filesystems": check_filesystem,
    "interfaces": check_interface,
    "smartcards": check_smartcard,
    "inputs": check_input,
    "tpms": check_tpm,
    "graphics": check_graphics,
    "videos": check_video,
    "hostdevs": check_hostdev,
    "shmems": check_shmem,
    "memories": check_memory,
    "iommu": check_iommu,
    "vsock": check_vsock,
}
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


def validate(domain: Domain) -> None:
    """Check a completed definition.

    Raises:
        ConfError: with libvirt's code and text.
    """
    for name, check in DEVICE_CHECKS.items():
        members = getattr(domain.devices, name)
        for device in members if isinstance(members, list) else [members]:
            if device is not None:
                check(device, domain)
    for check_domain in _DOMAIN_CHECKS:
        check_domain(domain)
