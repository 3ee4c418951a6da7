# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that make no sense, whatever hypervisor they are for.

These checks come after the defaults are filled in; a driver adds those of its hypervisor.  What already
the element itself cannot mean is refused when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from conf.domain.devices.address import UnassignedAddress
from conf.domain.devices.info import DeviceInfo
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

__all__ = ["DriverChecks", "validate", "validate_early"]

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
#: Kinds of devices that have a name and a place.
_PLACED = frozenset(kinds_with("alias"))
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


class DriverChecks(NamedTuple):
    """What a driver asks besides, of each device of a kind and of each that has an address.

    Its checks are told the device and the `question`.
    """

    of_kinds: Mapping[str, Callable[[Any, Any], None]]
    of_place: Callable[[Any, Any], None]
    question: Any


_NO_DRIVER = DriverChecks({}, lambda _device, _question: None, None)


def validate_early(domain: Domain) -> None:
    """Check what must be sound before devices can be given their places.

    Raises:
        ConfError: with libvirt's code and text.
    """
    check_controllers(domain)
    if domain.devices.panics:
        check_panics(domain)
    check_boot_orders(domain)


def validate(domain: Domain, driver: DriverChecks = _NO_DRIVER) -> None:
    """Check a completed definition.

    Raises:
        ConfError: with libvirt's code and text.
    """
    found = by_kind(domain.devices)
    named: list[DeviceInfo] = []
    for kind, devices in found.items():
        is_placed, check, driver_check = kind in _PLACED, _DEVICE_CHECKS.get(kind), driver.of_kinds.get(kind)
        for device in devices:
            address = device.address if is_placed else None
            if type(address) is UnassignedAddress and kind != "hostdevs":
                raise ConfigUnsupportedError("address of type 'unassigned' is supported only for hostdevs")
            if is_placed and device.alias is not None:
                named.append(device)
            if check is not None:
                check(device, domain)
            if address is not None:
                driver.of_place(device, driver.question)
            if driver_check is not None:
                driver_check(device, driver.question)
    for check_domain, kinds in _DOMAIN_CHECKS:
        if kinds is None or not kinds.isdisjoint(found):
            check_domain(domain)
    if named:
        check_aliases(named)
