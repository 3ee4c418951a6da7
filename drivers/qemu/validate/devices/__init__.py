# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that QEMU cannot give to this guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.domain import Domain
from conf.domain.devices.address import ZPCI, CCWAddress, PCIAddress
from conf.domain.devices.info import DeviceInfo, Rom, RomDevice
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.controllers import validate_controller
from drivers.qemu.validate.devices.character import (
    check_channel,
    check_console,
    check_parallel,
    check_readers,
    check_redirdev,
    check_rng,
    check_serial,
    check_smartcard,
    check_smartcards,
)
from drivers.qemu.validate.devices.display import check_audios, check_graphics, check_video
from drivers.qemu.validate.devices.filesystem import check_filesystem
from drivers.qemu.validate.devices.host import check_hostdev, check_mediated
from drivers.qemu.validate.devices.interface import check_interface
from drivers.qemu.validate.devices.memory import check_memory
from drivers.qemu.validate.devices.others import (
    check_hub,
    check_input,
    check_iommu,
    check_memballoon,
    check_nvram,
    check_panic,
    check_shmem,
    check_sound,
    check_watchdog,
)
from drivers.qemu.validate.devices.tpm import check_tpm, check_tpms
from drivers.qemu.validate.disks import validate_disk
from drivers.qemu.validate.question import Question

__all__ = ["DEVICE_CHECKS", "Question", "check_place", "validate_together"]

#: Kind → the check of each device, as it is or as it would be added.
DEVICE_CHECKS: dict[str, Callable[[Any, Question], None]] = {
    "channels": check_channel,
    "consoles": check_console,
    "controllers": validate_controller,
    "disks": validate_disk,
    "filesystems": check_filesystem,
    "graphics": check_graphics,
    "hostdevs": check_hostdev,
    "hubs": check_hub,
    "inputs": check_input,
    "interfaces": check_interface,
    "iommu": check_iommu,
    "memballoon": check_memballoon,
    "memories": check_memory,
    "nvram": check_nvram,
    "panics": check_panic,
    "parallels": check_parallel,
    "redirdevs": check_redirdev,
    "rngs": check_rng,
    "serials": check_serial,
    "shmems": check_shmem,
    "smartcards": check_smartcard,
    "sounds": check_sound,
    "tpms": check_tpm,
    "videos": check_video,
    "watchdogs": check_watchdog,
}
#: Kind → the check of all its devices together.
_CHECKS_TOGETHER: tuple[tuple[str, Callable[[Domain], None]], ...] = (
    ("smartcards", check_readers),
    ("hostdevs", check_mediated),
    ("audios", check_audios),
    ("tpms", check_tpms),
    ("smartcards", check_smartcards),
)
_NO_ROM = Rom()
_NO_ZPCI = ZPCI()


def validate_together(domain: Domain) -> None:
    """Devices that have to get on with each other.

    Raises:
        VirtError: what QEMU cannot do.
    """
    for kind, check in _CHECKS_TOGETHER:
        if getattr(domain.devices, kind):
            check(domain)


def check_place(device: DeviceInfo, question: Question) -> None:
    """What a device that has an address can have there.

    Raises:
        VirtError: what QEMU cannot do.
    """
    address = device.address
    if isinstance(address, PCIAddress):
        if address.zpci is not None and address.zpci != _NO_ZPCI and not question.emulator.has("zpci"):
            raise unsupported("This QEMU binary doesn't support zPCI")
        return
    if isinstance(device, RomDevice) and device.rom is not None and device.rom != _NO_ROM:
        raise unsupported("ROM tuning is only supported for PCI devices")
    if device.acpi is not None and device.acpi.index:
        raise unsupported("ACPI index is only supported for PCI devices")
    if isinstance(address, CCWAddress) and not machines.is_s390_ccw(question.domain):
        alias, machine = device.alias or "<null>", question.domain.os.machine
        raise unsupported(f"cannot use CCW address type for device '{alias}' using machine type '{machine}'")
