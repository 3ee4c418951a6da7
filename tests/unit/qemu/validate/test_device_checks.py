# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that QEMU, or this QEMU, cannot give to a guest: refused when it is defined."""

from __future__ import annotations

import pytest

from conf.errors import ConfError
from tests.fakes.emulators import FakeEmulator, define
from virtd.errors import VirtError

MAC = "<mac address='52:54:00:00:00:01'/>"
MDEV = "<hostdev type='mdev' model='{0}' {1}><source><address uuid='53764d0e-85a0-42b4-af5c-2046b460b1dc'/></source>{2}</hostdev>"
TLS = "spice TLS port set in XML configuration, but TLS is disabled in qemu.conf"


def net(kind: str, inside: str) -> str:
    return f"<interface type='{kind}'>{MAC}{inside}</interface>"


def bridged(inside: str) -> str:
    return net("bridge", "<source bridge='b'/>" + inside)


def serial(inside: str, kind: str = "pty") -> str:
    return f"<serial type='{kind}'>{inside}</serial>"


def video(inside: str) -> str:
    return f"<video>{inside}</video>"


def share(inside: str, attributes: str = "") -> str:
    return f"<filesystem {attributes}><source dir='/a'/><target dir='b'/>{inside}</filesystem>"


def dimm(slot: int, node: str = "<node>0</node>") -> str:
    return (
        f"<memory model='dimm'><target><size>131072</size>{node}</target>"
        f"<address type='dimm' slot='{slot}' base='0x100000000'/></memory>"
    )


def tpm(model: str, backend: str = "<backend type='passthrough'/>") -> str:
    return f"<tpm model='{model}'>{backend}</tpm>"


REFUSED = [
    (net("user", "<backend type='passt'/>"), 27, "'passt'"),
    (net("vdpa", "<source dev='/d'/><model type='e1000'/>"), 67, "'vdpa': 'e1000'"),
    (net("user", "<ip address='10.0.0.1' prefix='28'/>"), 27, "4-27"),
    (net("user", "<ip address='fe80::1' prefix='63'/>"), 67, "must be 64"),
    (net("user", "<ip address='10.0.0.1'/><ip address='10.0.0.2'/>"), 67, "Only one IPv4"),
    (net("user", "<ip address='10.0.0.1' peer='10.0.0.2'/>"), 67, "peer IP"),
    (net("user", "<route address='10.0.0.0' prefix='8' gateway='10.0.0.1'/>"), 67, "guest-side IP route"),
    (bridged("<ip address='10.0.0.1'/>"), 67, "address info"),
    (net("user", "<teaming type='persistent'/>"), 67, "not 'rtl8139'"),
    (net("user", "<teaming type='transient' persistent='ua-x'/>"), 67, "not 'user'"),
    (bridged("<model type='virtio'/><driver rx_queue_size='3'/>"), 67, "rx_queue_size"),
    (net("user", "<mtu size='1400'/>"), 67, "MTU on interface type user"),
    (net("user", "<coalesce><rx><frames max='0'/></rx></coalesce>"), 67, "coalesce settings"),
    (net("hostdev", "<source writeFiltering='no'><address type='pci' bus='1'/></source>"), 67, "Write filtering"),
    (
        net("hostdev", "<source><address type='pci' bus='1'/></source><address type='usb' bus='0' port='1'/>"),
        1,
        "must use 'pci'",
    ),
    (serial("", "spiceport").replace("><", "><source channel='a'/><"), 67, "without spice graphics"),
    (serial("<source path='/a'><reconnect enabled='yes' timeout='0'/></source>", "unix"), 8, "timeout"),
    (serial("<target type='isa-serial'><model name='pl011'/></target>"), 67, "requires target type 'system-serial'"),
    (serial("<target type='isa-serial'/><address type='pci'/>"), 67, "requires address type 'isa'"),
    (serial("<target type='spapr-vio-serial'/>"), 67, "not compatible"),
    ("<console type='pty'><target type='xen'/></console>", 67, "console target type xen"),
    ("<smartcard mode='host'/><smartcard mode='host'/>", 67, "multiple smartcard"),
    ("<graphics type='rdp'/>", 67, "rdp graphics"),
    ("<graphics type='vnc' passwd='123456789'/>", 67, "9 characters long"),
    ("<graphics type='spice' tlsPort='5901'/>", 67, TLS),
    ("<graphics type='dbus'><audio id='1'/></graphics><audio id='1' type='none'/>", 67, "'dbus' kind"),
    ("<audio id='1' type='spice'/>", 67, "Spice audio"),
    (video("<model type='gop'/>"), 67, "video model 'gop'"),
    (video("<model type='vga'/>") * 2, 67, "only valid as primary"),
    (video("<model type='vga' heads='2'/>"), 67, "multiple 'heads'"),
    (video("<model type='vga'><acceleration accel3d='yes'/></model>"), 67, "3d acceleration"),
    (video("<model type='virtio'><acceleration accel2d='yes'/></model>"), 67, "accel2d"),
    (video("<model type='qxl' vram='4194305'/>"), 82, "'vram' must be less"),
    (video("<model type='qxl' vgamem='3000'/>"), 67, "power of two"),
    (video("<model type='qxl' vgamem='512'/>"), 67, "at least 1 MiB"),
    (video("<model type='vga' vram='512'/>"), 67, "at least 1 MiB"),
    (video("<model type='cirrus'><resolution x='1' y='1'/></model>"), 27, "resolution"),
    ("<filesystem type='file'><source file='/a'/><target dir='b'/></filesystem>", 67, "only supports mount"),
    (share("", "fmode='0644'"), 67, "accessmode=mapped"),
    (share("<driver type='loop'/>"), 1, "connect flags 00"),
    (share("<driver type='handle'/>", "accessmode='mapped'"), 67, "passthrough accessmode"),
    (share("<driver type='virtiofs'/>"), 67, "requires shared memory"),
    (share("<driver type='virtiofs'/><readonly/>"), 67, "read-only"),
    (share("<driver type='virtiofs'/>", "multidevs='remap'"), 67, "multidevs"),
    (share("<driver type='virtiofs'/>", "model='virtio'"), 67, "support model"),
    (share("<driver type='virtiofs' wrpolicy='immediate'/>"), 67, "wrpolicy"),
    ("<hostdev mode='capabilities' type='misc'><source><char>/dev/x</char></source></hostdev>", 67, "capabilities"),
    (MDEV.format("vfio-pci", "display='on'", ""), 67, "graphics device is needed"),
    (MDEV.format("vfio-pci", "", "<boot order='1'/>"), 67, "booting from assigned devices"),
    (MDEV.format("vfio-ap", "", "") + MDEV.format("vfio-ap", "", "").replace("b1dc", "b1dd"), 67, "Only one hostdev"),
    ("<graphics type='egl-headless'/><graphics type='sdl'/>", 67, "only supported with one of: 'vnc', 'spice'"),
    ("<graphics type='egl-headless'/><graphics type='spice'><gl enable='yes'/></graphics>", 67, "multiple OpenGL"),
    (share("<driver type='virtiofs' format='raw'/>"), 67, "does not support format"),
    ("<controller type='usb' model='nec-xhci' ports='16'/>", 67, "up to '15' ports"),
    ("<input type='mouse' bus='ps2'><address type='unassigned'/></input>", 67, "supported only for hostdevs"),
    (serial("<address type='usb' bus='0' port='1'/>"), 67, "'isa-serial' requires address type 'isa'"),
    ("<tpm model='tpm-tis'><backend type='passthrough'/></tpm>" * 2, 67, "single TPM non-proxy"),
    (tpm("spapr-tpm-proxy", "<backend type='emulator'/>"), 67, "requires 'Passthrough' backend"),
    (tpm("spapr-tpm-proxy") * 2, 67, "single TPM Proxy"),
    (tpm("tpm-crb", "<backend type='emulator' version='1.2'/>"), 67, "TPM 1.2"),
    (dimm(0), 67, "'maxMemory' is not defined"),
    ("<iommu model='intel'/>", 67, "Q35 machines"),
    ("<iommu model='smmuv3'/>", 67, "ARM Virt machines"),
    ("<panic model='pseries'/>", 67, "only pSeries guests"),
    ("<panic model='hyperv'><address type='isa' iobase='0x505'/></panic>", 67, "panic device address"),
    ("<panic model='isa'><address type='pci'/></panic>", 67, "ISA address type"),
    ("<watchdog model='diag288'/>", 67, "s390 and s390x only"),
    ("<watchdog model='ib700'><address type='pci'/></watchdog>", 67, "configuring the address"),
    ("<watchdog model='i6300esb'><address type='isa'/></watchdog>", 67, "only on PCI bus"),
    ("<nvram/>", 67, "PPC64"),
    ("<shmem name='a'/>", 67, "ivshmem device"),
    ("<shmem name='a'><model type='ivshmem-doorbell'/></shmem>", 67, "server option enabled"),
    ("<shmem name='a'><model type='ivshmem-plain'/><server/></shmem>", 67, "server option disabled"),
    ("<input type='mouse' bus='virtio' model='virtio-transitional'/>", 67, "(non-)transitional"),
    ("<sound model='ich7'/>", 1, "connect flags 00"),
    ("<memballoon model='xen'/>", 1, "connect flags 00"),
    ("<controller type='usb' model='none'/><sound model='usb'/>", 67, "USB is disabled"),
    (net("user", "<model type='virtio'/><address type='ccw'/>"), 67, "CCW address type"),
]


@pytest.mark.parametrize(("devices", "code", "text"), REFUSED)
def test_refused(devices: str, code: int, text: str) -> None:
    with pytest.raises((VirtError, ConfError)) as caught:
        define(devices)
    assert int(caught.value.code) == code
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "devices",
    [
        net("user", "<ip address='10.0.0.1' prefix='24'/><ip address='fe80::1' prefix='64'/>"),
        bridged("<mtu size='1400'/><coalesce><rx><frames max='7'/></rx></coalesce>"),
        net("vdpa", "<source dev='/d'/>"),
        net("hostdev", "<source><address type='usb' bus='1' device='2'/></source>"),
        serial("<target type='pci-serial'/>"),
        video("<model type='vga'/>") + video("<model type='qxl'/>"),
        "<graphics type='vnc' passwd='12345678'/>" + MDEV.format("vfio-pci", "display='on' ramfb='on'", ""),
        share("", "accessmode='mapped' fmode='0644'"),
        tpm("tpm-tis") + tpm("spapr-tpm-proxy"),
        "<panic model='isa'/><panic model='hyperv'/>",
        net("vdpa", "<source dev='/d'/><ip address='10.0.0.1'/>"),
        "<controller type='ccid' index='1'/>",
        "<console type='pty'><target type='none'/></console>",
    ],
)
def test_accepted(devices: str) -> None:
    define(devices)


@pytest.mark.parametrize(
    ("devices", "lacks"),
    [
        (video("<model type='bochs'/>"), "bochs-display"),
        (tpm("tpm-crb"), "tpm-crb"),
        ("<panic model='isa'/>", "pvpanic"),
        ("<input type='keyboard' bus='ps2'/>", "i8042"),
        ("<sound model='ich6'><codec type='duplex'/></sound>", "hda-duplex"),
        ("<graphics type='spice'/>", "spice"),
        ("<shmem name='a'><model type='ivshmem-plain'/></shmem>", "ivshmem-plain"),
        (MDEV.format("vfio-ap", "", ""), "vfio-ap"),
        ("<console type='pty'><target type='sclp'/></console>", "s390-sclp"),
    ],
)
def test_an_emulator_without_it(devices: str, lacks: str) -> None:
    define(devices)
    with pytest.raises(VirtError):
        define(devices, emulator=FakeEmulator(lacks=frozenset({lacks})))


def test_machines_of_other_architectures() -> None:
    define("<iommu model='smmuv3'/>", arch="aarch64", machine="virt")
    define("<watchdog model='diag288'/>", arch="s390x", machine="s390-ccw-virtio")
    for arch, machine in (("ppc64", "pseries"), ("s390x", "s390-ccw-virtio")):
        with pytest.raises(VirtError, match="parallel ports are not supported"):
            define("<parallel type='pty'/>", arch=arch, machine=machine)
    with pytest.raises(VirtError, match=r"TPM 1\.2 is not supported on ARM"):
        define(tpm("tpm-tis", "<backend type='emulator' version='1.2'/>"), arch="aarch64", machine="virt")


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        (dimm(4), "slot '4' exceeds slots count '4'"),
        (dimm(0, node=""), "target NUMA node"),
        (dimm(1) + dimm(1), "slot '1' is already being used"),
        (dimm(1) + dimm(2), "base '0x100000000' is already being used"),
        ("<memory model='sgx-epc'><target><size>16384</size></target></memory>", "sgx epc isn't supported"),
    ],
)
def test_memory_modules(devices: str, text: str) -> None:
    extra = (
        "<maxMemory slots='4' unit='KiB'>4194304</maxMemory>"
        "<cpu><numa><cell id='0' cpus='0' memory='262144'/></numa></cpu>"
    )
    lacks = FakeEmulator(lacks=frozenset({"sgx-epc"}))
    define(dimm(0), extra=extra, emulator=lacks)
    with pytest.raises(VirtError) as caught:
        define(devices, extra=extra, emulator=lacks)
    assert text in str(caught.value)
