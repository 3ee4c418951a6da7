# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is no device, and cannot be had of this machine or this QEMU: refused when it is defined."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from tests.fakes.emulators import FakeEmulator, define
from virtd.errors import VirtError

#: Name → element, what the emulator lacks, code and words of the refusal.
REFUSED = {
    "bootloader": ("<bootloader>/b</bootloader>", "", 67, "bootloader is not supported by QEMU"),
    "genid": ("<genid/>", "vmgenid", 67, "does not support the 'genid' capability"),
    "sleep": ("<pm><suspend-to-mem enabled='no'/></pm>", "disable-s3", 67, "setting ACPI S3 not supported"),
    "SEV": ("<launchSecurity type='sev'><policy>1</policy></launchSecurity>", "sev-guest", 67, "SEV launch security"),
    "S390 PV": ("<launchSecurity type='s390-pv'/>", "s390-pv-guest", 67, "S390 PV launch security"),
    "vmport": ("<features><vmport state='off'/></features>", "machine-vmport-opt", 67, "vmport is not available"),
    "huge pages on demand": (
        "<memoryBacking><hugepages/><allocation mode='ondemand'/></memoryBacking>",
        "",
        67,
        "not allowed with memory allocation ondemand",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_on_a_pc(case: str) -> None:
    element, lacks, code, words = REFUSED[case]
    with pytest.raises(VirtError, match=words) as raised:
        define(extra=element, emulator=FakeEmulator(lacks=frozenset({lacks})))
    assert raised.value.code == code


def test_q35_has_a_chip_of_its_own_for_sleep() -> None:
    pm = "<pm><suspend-to-mem enabled='no'/></pm>"
    assert define(machine="q35", extra=pm, emulator=FakeEmulator(lacks=frozenset({"disable-s3"}))).pm


@pytest.mark.parametrize(
    ("element", "inside_os", "words"),
    [
        ("<cpu><cache mode='disable'/></cpu>", "", "CPU cache specification is not supported for 'aarch64'"),
        ("", "<bios useserial='yes'/>", "BIOS serial console only supported on x86"),
        ("", "<loader type='pflash'>/c</loader><nvram type='dir'><source dir='/n'/></nvram>", "nvram disk type 'dir'"),
        ("", "<loader secure='yes'/>", "Secure boot is only supported for x86_64"),
    ],
)
def test_refused_on_arm(element: str, inside_os: str, words: str) -> None:
    with pytest.raises(VirtError, match=words):
        define(machine="virt", arch="aarch64", extra=element, inside_os=inside_os)


def test_pci_holes_are_a_pcs() -> None:
    root = "<controller type='pci' index='0' model='{}'><pcihole64>0</pcihole64></controller>"
    assert define(root.format("pci-root"))
    with pytest.raises(VirtError, match="64-bit PCI hole size is not supported for machine"):
        define(root.format("pcie-root"), machine="virt", arch="aarch64")


def test_only_known_architectures() -> None:
    with pytest.raises(ConfError, match="Unknown architecture hppa"):
        define(arch="hppa")
