# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that QEMU cannot give to this guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.binding import Model
from conf.domain.devices.address import ZPCI, CCWAddress, PCIAddress
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hub import Hub
from conf.domain.devices.info import Rom
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.memory import Memory
from conf.domain.devices.nvram import NVRAM
from conf.domain.devices.panic import Panic
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.rng import RNG
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.smartcard import Smartcard
from conf.domain.devices.sound import Sound
from conf.domain.devices.tpm import TPM
from conf.domain.devices.video import Video
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.controllers import validate_controller
from drivers.qemu.validate.devices.character import (
    check_channel,
    check_console,
    check_parallel,
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
    check_usb_devices,
    check_watchdog,
)
from drivers.qemu.validate.devices.tpm import check_tpm, check_tpms
from drivers.qemu.validate.disks import validate_disk
from drivers.qemu.validate.question import Question

__all__ = ["Question", "validate_device", "validate_together"]

_CHECKS: dict[type[Model], Callable[[Any, Question], None]] = {
    Channel: check_channel,
    Console: check_console,
    Controller: validate_controller,
    Disk: validate_disk,
    Filesystem: check_filesystem,
    Graphics: check_graphics,
    Hostdev: check_hostdev,
    Hub: check_hub,
    IOMMU: check_iommu,
    Input: check_input,
    Interface: check_interface,
    Memballoon: check_memballoon,
    Memory: check_memory,
    NVRAM: check_nvram,
    Panic: check_panic,
    Parallel: check_parallel,
    RNG: check_rng,
    Redirdev: check_redirdev,
    Serial: check_serial,
    Shmem: check_shmem,
    Smartcard: check_smartcard,
    Sound: check_sound,
    TPM: check_tpm,
    Video: check_video,
    Watchdog: check_watchdog,
}


def validate_together(question: Question) -> None:
    """Devices that have to get on with each other.

    Raises:
        VirtError: what QEMU cannot do.
    """
    check_usb_devices(question.domain)
    check_mediated(question.domain)
    check_audios(question.domain)
    check_tpms(question.domain)
    check_smartcards(question.domain)


def validate_device(device: Model, question: Question) -> None:
    """One device, as it is or as it would be added.

    Raises:
        VirtError: what QEMU cannot do.
    """
    _check_pci_extras(device)
    _check_zpci(device, question)
    if isinstance(vars(device).get("address"), CCWAddress) and not machines.is_s390_ccw(question.domain):
        alias = getattr(device, "alias", None) or "<null>"
        machine = question.domain.os.machine
        raise unsupported(f"cannot use CCW address type for device '{alias}' using machine type '{machine}'")
    check = _CHECKS.get(type(device))
    if check is not None:
        check(device, question)


def _check_pci_extras(device: Model) -> None:
    """Option ROMs and ACPI indices are for PCI devices."""
    address = vars(device).get("address")
    if isinstance(address, PCIAddress) or address is None:
        return
    if vars(device).get("rom") not in (None, Rom()):
        raise unsupported("ROM tuning is only supported for PCI devices")
    acpi = vars(device).get("acpi")
    if acpi is not None and acpi.index:
        raise unsupported("ACPI index is only supported for PCI devices")


def _check_zpci(device: Model, question: Question) -> None:
    address = vars(device).get("address")
    if isinstance(address, PCIAddress) and address.zpci not in (None, ZPCI()) and not question.emulator.has("zpci"):
        raise unsupported("This QEMU binary doesn't support zPCI")
