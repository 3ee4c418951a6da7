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

#: Kind → the check of each device.
_DEVICE_CHECKS: dict[str, Callable[[Any, Domain], None]] = {
    "disks": check_disk,
    "interfaces": check_interface,
    "hostdevs": check_hostdev,
    "smartcards": check_smartcard,
    "controllers": check_controller,
    "serials": check_character,
    "parallels": check_character,
    "channels": check_character,
    "consoles": check_console,
    "inputs": check_input,
    "filesystems": check_filesystem,
    "rngs": check_rng,
    "shmems": check_shmem,
    "tpms": check_tpm,
    "memories": check_memory,
    "redirdevs": check_character,
    "videos": check_video,
    "iommu": check_iommu,
    "vsock": check_vsock,
    "graphics": check_graphics,
}
#: Kinds of devices that have a place, which only those of the host may leave to it.
_ASSIGNED = frozenset(kinds_with("address")) - {"hostdevs"}
#: What is looked at after the devices; the kinds of which one must be there for a check to find anything.
_DOMAIN_CHECKS: tuple[tuple[Callable[[Domain], None], frozenset[str] | None], ...] = (
    (check_disks, frozenset({"disks"})),
    (check_firmware, None),
    (check_timers, None),
    (check_hugepages, None),
    (check_usb, frozenset({"redirdevs", "inputs", "serials", "hostdevs", "hubs"})),
    (check_hostdevs, frozenset({"hostdevs", "interfaces"})),
    (check_videos, frozenset({"videos"})),
    (check_audio, frozenset({"audios", "sounds", "graphics"})),
)


def validate_early(domain: Domain) -> None:
    """Check what must be sound before devices can be given their places.

    Raises:
        ConfError: with libvirt's code and text.
    """
    check_controllers(domain)
    if domain.devices.panics:
        check_panics(domain)
    check_boot_orders(domain)


def validate(domain: Domain, check_for_driver: Callable[[Model], None] | None = None) -> None:
    """Check a completed definition; of each device, a driver says, too, whether it can be had.

    Raises:
        ConfError: with libvirt's code and text.
    """
    found = by_kind(domain.devices)
    for kind, devices in found.items():
        check, is_assigned = _DEVICE_CHECKS.get(kind), kind in _ASSIGNED
        for device in devices:
            if is_assigned and type(device.address) is UnassignedAddress:
                raise ConfigUnsupportedError("address of type 'unassigned' is supported only for hostdevs")
            if check is not None:
                check(device, domain)
            if check_for_driver is not None:
                check_for_driver(device)
    for check_domain, kinds in _DOMAIN_CHECKS:
        if kinds is None or not kinds.isdisjoint(found):
            check_domain(domain)
    check_aliases(found)
