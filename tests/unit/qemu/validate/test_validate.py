# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that QEMU cannot run."""

from __future__ import annotations

import pytest

from tests.fakes.emulators import FakeEmulator, define
from virtd.errors import Code, VirtError

DISK = "<disk type='file'><driver type='{2}'{3}/><source file='/a'/><target dev='{0}' bus='{1}'/></disk>"


def refuse(message: str, code: Code = Code.CONFIG_UNSUPPORTED, **given: object) -> None:
    with pytest.raises(VirtError, match=message) as caught:
        define(**given)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_an_accelerator_that_is_not_there() -> None:
    refuse(
        "Emulator '/usr/bin/qemu-system-x86_64' does not support virt type 'kvm'",
        virt_type="kvm",
        emulator=FakeEmulator(kvm=False),
    )


def test_an_unknown_machine() -> None:
    refuse(
        "does not support machine type 'pc-9.9'", machine="pc-9.9", devices="<controller type='pci' model='pci-root'/>"
    )


@pytest.mark.parametrize(
    ("disk", "message"),
    [
        (DISK.format("vda", "virtio", "cow", ""), "'cow' storage format is not supported"),
        (DISK.format("vda", "virtio", "dir", ""), "'directory' storage format is not directly supported by QEMU"),
        (DISK.format("vda", "virtio", "raw", " iothread='3'"), "Disk iothread '3' not defined in iothreadid"),
        (DISK.format("sda", "usb", "raw", " iothread='3'"), "IOThreads not available for bus usb target sda"),
        (
            DISK.format("sda", "scsi", "raw", "").replace("</disk>", "<address type='drive' target='1'/></disk>"),
            "target must be 0 for controller model 'lsilogic'",
        ),
        (
            DISK.format("hda", "ide", "qcow2", "").replace("</disk>", "<shareable/></disk>"),
            "shared access for disk 'hda' requires use of supported storage format",
        ),
    ],
)
def test_disks(disk: str, message: str) -> None:
    refuse(message, devices=disk)


def test_places_that_a_controller_does_not_have() -> None:
    disk = DISK.format("hda", "ide", "raw", "").replace("</disk>", "<address type='drive' controller='1'/></disk>")
    refuse("Only 1 IDE controller is supported", Code.INTERNAL_ERROR, devices=disk)


def test_ide_is_part_of_the_chipset_or_missing() -> None:
    refuse(
        "IDE controllers are unsupported for this QEMU binary or machine type",
        devices=DISK.format("hda", "ide", "raw", ""),
        machine="q35",
    )


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<cpu><cache mode='emulate' level='2'/></cpu>", "CPU cache mode 'emulate' can only be used with level='3'"),
        ("<cpu><cache mode='passthrough'/></cpu>", "CPU cache mode 'passthrough' can only be used with"),
        ("<cpu><topology sockets='2' cores='1' threads='1'/></cpu>", "CPU topology doesn't match maximum vcpu count"),
        ("<vcpu>300</vcpu>", "Maximum CPUs greater than specified machine type limit 255"),
        ("<features><smm><tseg unit='MiB'>48</tseg></smm></features>", "SMM TSEG is only supported with q35"),
        ("<maxMemory slots='1'>4194304</maxMemory>", "At least one numa node has to be configured"),
    ],
)
def test_processors_and_memory(xml: str, message: str) -> None:
    refuse(message, extra=xml)


def test_uefi_needs_acpi() -> None:
    flash = "<loader readonly='yes' type='pflash'>/code.fd</loader>"
    refuse("UEFI requires ACPI on this architecture", machine="q35", inside_os=flash)
    refuse(
        "Secure boot requires SMM feature enabled",
        machine="q35",
        inside_os=flash.replace("<loader", "<loader secure='yes'"),
        extra="<features><acpi/></features>",
    )


def test_controllers_the_machine_does_not_have() -> None:
    refuse(
        "pcie-expander-bus controllers are not supported with this machine type",
        devices="<controller type='pci' index='1' model='pcie-expander-bus'/>",
    )
    refuse(
        "pci-root and pcie-root controllers should have index 0",
        Code.XML_ERROR,
        devices="<controller type='pci' index='1' model='pci-root'/>",
    )


def test_usb_devices_without_usb() -> None:
    refuse(
        "USB is disabled for this domain, but USB devices are present",
        devices="<controller type='usb' model='none'/>" + DISK.format("sda", "usb", "raw", ""),
    )


@pytest.mark.parametrize(
    ("device", "lacks", "message"),
    [
        ("<hub type='usb'/>", "usb-hub", "usb-hub not supported by QEMU binary"),
        ("<input type='keyboard' bus='usb'/>", "usb-kbd", "usb keyboard is not supported by this QEMU binary"),
        (
            "<sound model='ich9'/>",
            "ich9-intel-hda",
            "The ich9-intel-hda audio controller is not supported in this QEMU",
        ),
        ("<sound model='usb'/>", "usb-audio", "usb-audio controller is not supported by this QEMU binary"),
    ],
)
def test_devices_that_are_not_built_in(device: str, lacks: str, message: str) -> None:
    refuse(message, devices=device, emulator=FakeEmulator(lacks=frozenset({lacks})))
