# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that QEMU cannot give to this guest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conf.binding import Model
from conf.domain import Domain
from conf.domain.devices.address import ZPCI, Address, CCWAddress, PCIAddress
from conf.domain.devices.chardev import Channel, Console, Parallel, Serial
from conf.domain.devices.controller import Controller
from conf.domain.devices.disk import Disk
from conf.domain.devices.filesystem import Filesystem
from conf.domain.devices.graphics import Graphics
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.hub import Hub
from conf.domain.devices.info import DeviceInfo, Rom, RomDevice
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.kinds import KINDS
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
#: Kind → the check of all its devices together.
_CHECKS_TOGETHER: tuple[tuple[str, Callable[[Domain], None]], ...] = (
    ("smartcards", check_readers),
    ("hostdevs", check_mediated),
    ("audios", check_audios),
    ("tpms", check_tpms),
    ("smartcards", check_smartcards),
)
#: Classes of devices that have a place.
_PLACED = frozenset(model for model in KINDS.values() if issubclass(model, DeviceInfo))
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


def validate_device(question: Question, device: Any) -> None:
    """One device, as it is or as it would be added.

    Raises:
        VirtError: what QEMU cannot do.
    """
    if type(device) in _PLACED and device.address is not None:
        _check_place(device, device.address, question)
    check = _CHECKS.get(type(device))
    if check is not None:
        check(device, question)


def _check_place(device: DeviceInfo, address: Address, question: Question) -> None:
    """What a device can have where it is."""
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
