# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions that make no sense for any hypervisor."""

from __future__ import annotations

import pytest

from conf.domain import Domain, parse_domain
from conf.domain.validation import validate, validate_early
from conf.errors import ConfError

HEAD = (
    "<domain type='test'><name>x</name><memory>1048576</memory><os><type arch='x86_64'>hvm</type></os>"
    "<cpu><numa><cell id='0' cpus='0' memory='1048576'/></numa></cpu>{0}<devices>{1}</devices></domain>"
)
NO_USB = "<controller type='usb' model='none'/>"
MDEV = "<hostdev type='mdev' model='vfio-pci' {0}><source><address uuid='53764d0e-85a0-42b4-af5c-2046b460b1d{1}'/></source>{2}</hostdev>"


def domain(devices: str, around: str = "") -> Domain:
    return parse_domain(HEAD.format(around, devices))


def check(checked: Domain) -> None:
    validate_early(checked)
    validate(checked)


def net(kind: str, inside: str) -> str:
    return f"<interface type='{kind}'><mac address='52:54:00:00:00:01'/>{inside}</interface>"


def pci(inside: str = "") -> str:
    return f"<hostdev type='pci'><source><address bus='3'/></source>{inside}</hostdev>"


def usb(inside: str = "") -> str:
    return f"<hostdev type='usb'><source><address bus='3' device='1'/></source>{inside}</hostdev>"


def scsi(unit: int, address: str) -> str:
    return (
        f"<hostdev type='scsi'><source><adapter name='scsi_host0'/><address bus='0' target='0' unit='{unit}'/></source>"
        f"{address}</hostdev>"
    )


def memory(model: str, target: str, attributes: str = "", source: str = "<source><path>/p</path></source>") -> str:
    return f"<memory model='{model}' {attributes}>{source}<target>{target}</target></memory>"


def video(inside: str) -> str:
    return f"<video>{inside}</video>"


REFUSED = [
    (net("user", "<target managed='no'/>"), 67),
    (net("user", "<port isolated='yes'/>"), 67),
    (net("bridge", "<source bridge='b'/><virtualport type='openvswitch'/><port isolated='yes'/>"), 67),
    (net("vhostuser", "<source type='unix' path='/a' mode='server'/>"), 1),
    (
        net(
            "vhostuser",
            "<source type='unix' path='/a' mode='server'><reconnect enabled='yes' timeout='3'/></source>"
            "<model type='virtio'/>",
        ),
        67,
    ),
    (net("user", "<bandwidth><inbound average='3' floor='3'/></bandwidth>"), 67),
    (net("hostdev", "<source startupPolicy='optional'><address type='pci' bus='3'/></source>"), 67),
    ("<graphics type='dbus' p2p='yes' address='unix:a'/>", 27),
    ("<graphics type='vnc'><listen type='network'/></graphics>", 27),
    ("<serial type='unix'/>", 1),
    ("<rng model='virtio'><backend model='egd' type='tcp'/></rng>", 1),
    ("<channel type='spiceport'><target type='virtio' name='x'/></channel>", 67),
    ("<disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>", 19),
    (net("user", "<model type='e1000'/><driver iommu='on'/>"), 67),
    ("<graphics type='rdp'><listen type='socket'/></graphics>", 67),
    (video("<driver name='vhostuser'/><model type='vga'/>"), 67),
    (video("<model type='virtio'><acceleration rendernode='/d'/></model>"), 67),
    (video("<model type='vga'><resolution x='0' y='3'/></model>"), 67),
    (video("<driver iommu='on'/><model type='vga'/>"), 67),
    (video("<model type='ramfb'/><address type='pci'/>"), 67),
    (video("<model type='none'/>") + video("<model type='vga'/>"), 67),
    (video("<model type='qxl' primary='yes'/>") * 2, 67),
    (pci() * 2, 27),
    (pci() + net("hostdev", "<source><address type='pci' bus='3'/></source>"), 27),
    (usb() * 2, 27),
    (pci("<address type='usb' bus='0'/>"), 1),
    (usb("<address type='pci'/>"), 67),
    (pci("<teaming type='persistent'/>"), 67),
    (usb("<teaming type='transient' persistent='ua-x'/>"), 67),
    (scsi(1, "<address type='drive'/>") + scsi(2, "<address type='drive'/>"), 67),
    (scsi(1, "<address type='pci'/>"), 67),
    (MDEV.format("ramfb='on'", "0", "") + MDEV.format("ramfb='on'", "1", ""), 67),
    (MDEV.format("", "0", "<address type='ccw'/>"), 27),
    (NO_USB + "<input type='mouse' bus='usb'/>", 67),
    (NO_USB + usb(), 67),
    (NO_USB + "<hub type='usb'/>", 67),
    (NO_USB + "<redirdev type='spicevmc'/>", 67),
    ("<input type='mouse' bus='usb'><address type='pci'/></input>", 27),
    ("<input type='tablet' bus='ps2'/>", 1),
    ("<input type='evdev' bus='usb'><source dev='/e'/></input>", 67),
    ("<input type='passthrough' bus='usb'><source evdev='/e'/></input>", 67),
    ("<input type='mouse' bus='ps2' model='virtio'/>", 67),
    ("<smartcard mode='host'><address type='pci'/></smartcard>", 67),
    ("<tpm><backend type='emulator'><active_pcr_banks><sha1/></active_pcr_banks></backend></tpm>", 27),
    ("<shmem name='a/b'/>", 67),
    ("<shmem name='..'/>", 67),
    ("<shmem name='a'><msi/></shmem>", 27),
    ("<iommu model='virtio'><driver aw_bits='48'/></iommu>", 27),
    ("<iommu model='intel'><address type='pci'/></iommu>", 27),
    ("<iommu model='intel'><driver intremap='on'/></iommu>", 67),
    ("<iommu model='intel'><driver eim='on'/></iommu>", 67),
    ("<vsock><cid address='2'/></vsock>", 67),
    ("<panic model='isa'/><panic model='isa'/>", 27),
    ("<filesystem><source dir='/a'/><target dir='b'/><boot order='1'/></filesystem>", 67),
    (memory("nvdimm", "<size>1024</size><node>0</node>", source=""), 35),
    (memory("nvdimm", "<size>1024</size><node>0</node>", "discard='yes'"), 67),
    (memory("nvdimm", "<size>1024</size><label><size>64</size></label>"), 27),
    (memory("nvdimm", "<size>1024</size><label><size>1024</size></label>"), 27),
    (memory("dimm", "<size>1024</size><node>1</node>"), 35),
    (memory("virtio-pmem", "<size>1024</size>", "access='private'"), 67),
    (memory("virtio-pmem", "<size>1024</size><node>0</node>"), 67),
    (memory("virtio-mem", "<size>4096</size><block>2048</block><requested>8192</requested>"), 35),
    (memory("virtio-mem", "<size>4096</size><block>3000</block>"), 35),
    (memory("virtio-mem", "<size>4096</size><block>1024</block>"), 35),
    (memory("virtio-mem", "<size>4096</size><block>2048</block><requested>1024</requested>"), 35),
    ("<audio id='1' type='none'/><audio id='1' type='file'/>", 27),
    ("<sound model='ac97'><audio id='2'/></sound>", 27),
    (net("user", "<alias name='ua-x'/>") * 2, 67),
    (net("user", "<boot order='1'/>") * 2, 67),
]


@pytest.mark.parametrize(("devices", "code"), REFUSED)
def test_refused(devices: str, code: int) -> None:
    with pytest.raises(ConfError) as caught:
        check(domain(devices))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "devices",
    [
        net("ethernet", "<target dev='tap0' managed='no'/>"),
        net("network", "<source network='n'/><port isolated='yes'/><bandwidth><inbound floor='3'/></bandwidth>"),
        "<graphics type='vnc'/><graphics type='egl-headless'/>",
        "<panic model='isa'/><panic model='hyperv'/>",
        (
            "<serial type='pty'><alias name='ua-x'/></serial>"
            "<console type='pty'><target type='serial'/><alias name='ua-x'/></console>"
        ),
        memory(
            "virtio-mem", "<size>4096</size><node>0</node><block>2048</block><requested>2048</requested>", source=""
        ),
        scsi(1, "<address type='drive' unit='1'/>") + scsi(2, "<address type='drive' unit='2'/>"),
        "<redirdev type='spicevmc'/><hub type='usb'/>",
    ],
)
def test_accepted(devices: str) -> None:
    check(domain(devices))


def test_remapped_interrupts_need_a_split_controller() -> None:
    split = "<features><ioapic driver='qemu'/></features>"
    check(domain("<iommu model='intel'><driver intremap='on' eim='on'/></iommu>", split))


def test_turns_and_kinds_of_boot_devices_exclude_each_other() -> None:
    xml = HEAD.format("", net("user", "<boot order='1'/>")).replace("hvm</type>", "hvm</type><boot dev='hd'/>")
    with pytest.raises(ConfError, match="per-device boot elements"):
        check(parse_domain(xml))
