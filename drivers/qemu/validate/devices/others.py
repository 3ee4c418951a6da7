# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of devices that need no more than a few lines each."""

from __future__ import annotations

from collections.abc import Callable

from conf.domain import Domain
from conf.domain.devices.address import ISAAddress, PCIAddress
from conf.domain.devices.hub import Hub
from conf.domain.devices.input import Input
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.memballoon import Memballoon
from conf.domain.devices.nvram import NVRAM
from conf.domain.devices.panic import Panic
from conf.domain.devices.shmem import Shmem
from conf.domain.devices.sound import Sound
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.question import Question
from virtd.errors import Code, VirtError

#: Card → the device in QEMU that it needs, and the complaint about its lack.
_SOUND_DEVICES = {
    "ich9": ("ich9-intel-hda", "The ich9-intel-hda audio controller is not supported in this QEMU binary"),
    "usb": ("usb-audio", "usb-audio controller is not supported by this QEMU binary"),
}
#: Panic device → the machines that have it, and what they are called.
_PANIC_MACHINES: dict[str | None, tuple[Callable[[Domain], bool], str]] = {
    "pseries": (machines.is_pseries, "pSeries"),
    "hyperv": (machines.is_x86, "i686 and x86_64"),
    "s390": (machines.is_s390, "S390"),
}
_TRANSITIONAL = ("virtio-transitional", "virtio-non-transitional")


def check_hub(_hub: Hub, question: Question) -> None:
    """Raise VirtError where QEMU has no hubs."""
    if not question.emulator.has("usb-hub"):
        raise unsupported("usb-hub not supported by QEMU binary")


def check_input(device: Input, question: Question) -> None:
    kind, bus = device.type, device.bus
    if kind == "evdev" and bus not in (None, "none"):
        raise unsupported("input evdev doesn't support bus element")
    if bus == "ps2" and not question.emulator.has("i8042"):
        raise unsupported("ps2 is not supported by this QEMU binary")
    if bus == "usb" and kind == "keyboard" and not question.emulator.has("usb-kbd"):
        raise unsupported("usb keyboard is not supported by this QEMU binary")
    if kind == "passthrough" and not _has_input_host(question):
        raise unsupported("virtio-input-host is not supported by this QEMU binary")
    if bus == "virtio" and device.model in _TRANSITIONAL:
        raise unsupported(f"virtio (non-)transitional models are not supported for input type={kind}")


def _has_input_host(question: Question) -> bool:
    """On a mainframe the device would have to be one of channel I/O."""
    return question.emulator.has("virtio-input-host") and not machines.is_s390(question.domain)


def check_memballoon(balloon: Memballoon, question: Question) -> None:
    if balloon.model == "xen":
        if machines.is_s390(question.domain):
            raise unsupported("Memory balloon device type 'xen' is not supported by this version of qemu")
        raise homeless()


def homeless() -> VirtError:
    """The complaint about a device that would have to be on PCI, but cannot."""
    return VirtError(Code.INTERNAL_ERROR, "Cannot automatically add a new PCI bus for a device with connect flags 00")


def check_sound(sound: Sound, question: Question) -> None:
    if sound.model == "ich7":
        raise homeless()
    if needs := _SOUND_DEVICES.get(sound.model):
        device, complaint = needs
        if not question.emulator.has_device(device):
            raise unsupported(complaint)
    for codec in sound.codecs:
        if not question.emulator.has(f"hda-{codec.type}"):
            raise unsupported(f"hda-{codec.type} not supported in this QEMU binary")


def check_shmem(shmem: Shmem, question: Question) -> None:
    kind = shmem.model.type if shmem.model else "ivshmem"
    if kind == "ivshmem" or not question.emulator.has(kind):
        raise unsupported(f"{kind} device is not supported with this QEMU binary")
    if kind == "ivshmem-plain" and shmem.server is not None:
        raise unsupported(f"shmem model '{kind}' is supported only with server option disabled")
    if kind == "ivshmem-doorbell":
        if shmem.server is None:
            raise unsupported(f"shmem model '{kind}' is supported only with server option enabled")
        if shmem.size:
            raise unsupported(f"shmem model '{kind}' does not support size setting")


def check_iommu(iommu: IOMMU, question: Question) -> None:
    domain = question.domain
    q35, virt = machines.is_q35(domain), machines.is_arm_virt(domain)
    name = f"IOMMU device: '{iommu.model}'"
    if iommu.model == "intel" and not q35:
        raise unsupported(f"{name} is only supported with Q35 machines")
    if iommu.model == "smmuv3" and not virt:
        raise unsupported(f"{name} is only supported with ARM Virt machines")
    if iommu.model == "virtio":
        if not (q35 or virt):
            raise unsupported(f"{name} is only supported with Q35 and ARM Virt machines")
        if not isinstance(iommu.address, PCIAddress):
            raise unsupported(f"{name} needs a PCI address")
        if not (domain.features and domain.features.acpi):
            raise unsupported(f"{name} requires ACPI")


def check_panic(panic: Panic, question: Question) -> None:
    domain = question.domain
    if panic.model == "isa":
        if not question.emulator.has("pvpanic"):
            raise unsupported("the QEMU binary does not support the ISA panic device")
        if panic.address is not None and not isinstance(panic.address, ISAAddress):
            raise unsupported("panic is supported only with ISA address type")
        return
    if needs := _PANIC_MACHINES.get(panic.model):
        suits, who = needs
        if not suits(domain):
            raise unsupported(f"only {who} guests support panic device of model '{panic.model}'")
    if panic.address is not None:
        raise unsupported(f"setting the panic device address is not supported for model '{panic.model}'")


def check_watchdog(watchdog: Watchdog, question: Question) -> None:
    if watchdog.model == "i6300esb" and not isinstance(watchdog.address, PCIAddress | None):
        raise unsupported("i6300esb model of watchdog can go only on PCI bus")
    if watchdog.model == "ib700" and watchdog.address is not None:
        raise unsupported("ib700 model of watchdog does not support configuring the address")
    if watchdog.model == "diag288":
        if not machines.is_s390(question.domain):
            raise unsupported("diag288 model of watchdog is allowed for s390 and s390x only")
        if watchdog.address is not None:
            raise unsupported("diag288 model of watchdog is virtual and cannot go on any bus")


def check_nvram(_nvram: NVRAM, question: Question) -> None:
    if not machines.is_pseries(question.domain):
        raise unsupported("nvram device is only supported for PPC64")
