# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the XML of a device leaves to us: drivers, models, versions, MAC addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from conf.domain import Domain
from conf.domain.devices.chardev_source import CharacterSource
from conf.domain.devices.disk import Disk, DiskDriver
from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.input import Input
from conf.domain.devices.interface import Interface, InterfaceMac, InterfaceModel
from conf.domain.devices.panic import Panic
from conf.domain.devices.redirdev import Redirdev
from conf.domain.devices.shmem import Shmem, ShmemMSI
from conf.domain.devices.tpm import TPM
from conf.domain.devices.vsock import Vsock
from drivers.common.mac import generate_mac
from drivers.qemu import machines
from drivers.qemu.defaults.chardevs import complete_serial
from drivers.qemu.defaults.controllers import complete_controller
from drivers.qemu.defaults.storage import complete_sources
from drivers.qemu.defaults.videos import complete_videos
from drivers.qemu.facts import EmulatorFacts, first_offered

#: Interface models whose case does not matter.
_KNOWN_MODELS = {
    name.lower(): name
    for name in (
        "netfront", "rtl8139", "virtio", "e1000", "e1000e", "virtio-transitional", "virtio-non-transitional",
        "usb-net", "spapr-vlan", "lan9118", "scm91c111", "vlance", "vmxnet", "vmxnet2", "vmxnet3", "Am79C970A",
        "Am79C973", "82540EM", "82545EM", "82543GC",
    )
}  # fmt: skip
#: Flag of the emulator → interface model, the usual one first.
_INTERFACES = {"rtl8139": "rtl8139", "e1000": "e1000", "virtio-net": "virtio"}
REDIRECTION_CHANNEL = "org.qemu.usbredir"
#: MiB of an `ivshmem-plain` that names no size.
_SHMEM_SIZE = 4 << 20


def complete_devices(domain: Domain, emulator: EmulatorFacts) -> None:
    """Fill in defaults of all devices.

    Raises:
        VirtError: there is no default, or QEMU has no such device.
    """
    devices = domain.devices
    for disk in devices.disks:
        complete_disk(disk)
    for controller in devices.controllers:
        complete_controller(controller, domain, emulator)
    for interface in devices.interfaces:
        complete_interface(interface, domain, emulator)
    for serial in devices.serials:
        complete_serial(serial, domain)
    for device in (*devices.hostdevs, *devices.tpms, *devices.redirdevs, *devices.panics, *devices.shmems):
        complete_device(device, domain)
    if devices.vsock is not None:
        _vsock(devices.vsock, domain)
    complete_videos(domain, emulator)


def complete_device(device: Any, domain: Domain) -> None:
    """Fill in the defaults of one device of a kind that needs nothing but its domain."""
    rule = _RULES.get(type(device))
    if rule:
        rule(device, domain)


def complete_disk(disk: Disk) -> None:
    """An image is QEMU's and raw unless it is said to be something else; a volume's pool knows what it is."""
    disk.guess_bus()
    driver = disk.driver = disk.driver or DiskDriver()
    driver.name = "qemu" if driver.name is None else driver.name
    if disk.source is None and disk.type in ("network", "volume"):
        disk.type = "file"
    if disk.type != "volume":
        driver.type = driver.type or "raw"
    if disk.type == "vhostuser":
        disk.snapshot = disk.snapshot or "no"
    complete_sources(disk)


def complete_interface(interface: Interface, domain: Domain, emulator: EmulatorFacts) -> None:
    """Make up a MAC address and choose a model; what only virtio knows is left out of others."""
    mac = interface.mac = interface.mac or InterfaceMac()
    mac.address = mac.address or generate_mac()
    if interface.model is not None and interface.model.type:
        interface.model.type = _KNOWN_MODELS.get(interface.model.type.lower(), interface.model.type)
    if (interface.model is None or interface.model.type is None) and interface.type != "hostdev":
        name = "virtio" if interface.type == "vdpa" else choose_interface_model(domain, emulator)
        if name:
            interface.model = InterfaceModel(type=name)
    if interface.backend is not None and (interface.type == "hostdev" or not interface.is_virtio):
        interface.backend.vhost = None
    if interface.driver is not None and interface.driver.queues == 1:
        interface.driver.queues = None


def choose_interface_model(domain: Domain, emulator: EmulatorFacts) -> str | None:
    """The model of a network card that names none."""
    if machines.is_s390(domain) or machines.is_arm_virt(domain) or machines.is_riscv_virt(domain):
        return "virtio"
    if machines.is_arm(domain):
        return "scm91c111" if machines.is_versatile(domain) else "lan9118"
    return first_offered(_INTERFACES, emulator)


def complete_input(device: Input, domain: Domain) -> None:
    """Choose the bus."""
    if device.bus is not None:
        return
    if machines.is_s390(domain):
        device.bus = "virtio"
    elif device.type in ("mouse", "keyboard") and machines.is_x86(domain):
        device.bus = "ps2"
    elif device.type == "passthrough":
        device.bus = "virtio"
    else:
        device.bus = "none" if device.type == "evdev" else "usb"


def _hostdev(hostdev: Hostdev, _domain: Domain) -> None:
    if hostdev.type == "mdev" and hostdev.model == "vfio-pci" and hostdev.display is None:
        hostdev.display = False


def _tpm(tpm: TPM, domain: Domain) -> None:
    if tpm.model is None:
        tpm.model = "tpm-spapr" if machines.is_ppc64(domain) else "tpm-tis"
    if tpm.backend.type == "emulator" and tpm.backend.version is None:
        # The oldest that the model is made for.
        tpm.backend.version = "1.2" if tpm.model == "tpm-tis" and not machines.is_arm(domain) else "2.0"


def _panic(panic: Panic, domain: Domain) -> None:
    if panic.model is not None:
        return
    own: Literal["isa", "pseries", "s390"] = "isa"
    if machines.is_pseries(domain):
        own = "pseries"
    elif machines.is_s390(domain):
        own = "s390"
    panic.model = own


def _shmem(shmem: Shmem, _domain: Domain) -> None:
    kind = shmem.model.type if shmem.model else "ivshmem"
    if kind == "ivshmem-plain" and not shmem.size:
        shmem.size = _SHMEM_SIZE
    if kind != "ivshmem-doorbell" or shmem.server is None:
        return
    shmem.msi = shmem.msi or ShmemMSI()
    if shmem.msi.ioeventfd is None:
        shmem.msi.ioeventfd = True


def _vsock(vsock: Vsock, _domain: Domain) -> None:
    vsock.model = vsock.model or "virtio"


def _redirdev(redirdev: Redirdev, _domain: Domain) -> None:
    """On a D-Bus display, devices come through the channel QEMU's clients look for."""
    if redirdev.type == "dbus" and not (redirdev.source and redirdev.source.channel):
        redirdev.source = CharacterSource(channel=REDIRECTION_CHANNEL)


_RULES: dict[type, Callable[[Any, Domain], None]] = {
    Input: complete_input,
    Hostdev: _hostdev,
    TPM: _tpm,
    Panic: _panic,
    Vsock: _vsock,
    Shmem: _shmem,
    Redirdev: _redirdev,
}
