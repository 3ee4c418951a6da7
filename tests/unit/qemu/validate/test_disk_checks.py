# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks, images, timers and actions that QEMU cannot have, and processors named one by one."""

from __future__ import annotations

import pytest

from tests.fakes.emulators import define
from virtd.errors import VirtError

VDA = "<target dev='vda' bus='virtio'/>"
HDA = "<target dev='hda' bus='ide'/>"


def refused(devices: str, extra: str = "") -> tuple[int, str | None]:
    with pytest.raises(VirtError) as caught:
        define(devices, extra=extra)
    return caught.value.code, caught.value.detail


def disk(
    driver: str = "", source: str = "file='/x'", inside: str = "", target: str = VDA, more: str = "type='file'"
) -> str:
    return f"<disk {more}><driver name='qemu' {driver}/><source {source}/>{target}{inside}</disk>"


def share(protocol: str, inside: str = "", attributes: str = "") -> str:
    return (
        f"<disk type='network'><driver name='qemu'/><source protocol='{protocol}' name='p/x' {attributes}>{inside}</source>"
        f"{VDA}</disk>"
    )


def encrypted(form: str, driver: str = "type='raw'") -> str:
    secret = "<secret type='passphrase' usage='u'/>"
    return disk(driver, inside=f"<encryption {form}>{secret}</encryption>")


FOLDER = "type='dir'"


SDA = "<target dev='sda' bus='{}'/>"
THROWN_AWAY = "<transient shareBacking='yes'/>"


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        (disk(inside=THROWN_AWAY, target=HDA), "disk bus 'ide' doesn't support transiend disk backing image sharing"),
        (
            disk(inside="<transient/>", target=SDA.format("scsi"), more="type='file' device='cdrom'"),
            "transient disk supported only with 'disk' device (sda)",
        ),
        (
            disk(inside="<geometry cyls='1' heads='2' secs='3'/>", target=SDA.format("usb")),
            "CHS geometry can not be set for 'usb' bus",
        ),
        (
            disk(target="<target dev='sda' bus='sd'/>", more="type='file' device='cdrom'"),
            "disk type of 'sda' does not support ejectable media",
        ),
    ],
)
def test_disks(devices: str, text: str) -> None:
    assert refused(devices) == (67, text)


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        (disk("type='iso'"), "storage format 'iso' is not directly supported by QEMU, use 'raw' instead"),
        (disk("type='fat'"), "storage format 'fat' is supported only with 'dir' storage type"),
        (disk("type='raw'", "dir='/x'", more=FOLDER), "storage type 'dir' requires use of storage format 'fat'"),
        (disk("type='fat'", "dir='/x'", more=FOLDER), "virtual FAT storage can't be accessed in read-write mode"),
        (
            disk(
                "type='qcow2'",
                inside="<backingStore type='file'><format type='cow'/><source file='/y'/></backingStore>",
            ),
            "'cow' storage format is not supported",
        ),
        (encrypted("format='qcow'"), "old qcow/qcow2 encryption is not supported"),
        (encrypted("format='luks2'"), "luks2 is currently not supported by the qemu encryption engine"),
        (encrypted("format='luks' engine='librbd'"), "librbd encryption is supported only with RBD backed disks"),
        (encrypted("format='luks'", "type='vmdk'"), "encryption is supported only with 'raw' and 'qcow2' image format"),
        (share("tftp"), "'tftp' protocol is not supported with this QEMU binary"),
        (share("nfs"), "'nfs' protocol requires the usage of exactly one host"),
        (share("nfs", "<host name='a' port='5'/>"), "port cannot be specified in 'nfs' protocol host"),
        (share("nfs", "<host name='a' transport='rdma'/>"), "'nfs' host must use TCP protocol"),
        (share("ssh", attributes="tlsHostname='z'"), "'tlsHostname' field is supported only with NBD disks"),
    ],
)
def test_images(devices: str, text: str) -> None:
    assert refused(devices) == (67, text)


@pytest.mark.parametrize(
    ("devices", "code", "text"),
    [
        (disk("io='native'"), 67, "io='native' needs either no disk cache or directsync cache mode"),
        (disk("copy_on_read='on'", inside="<readonly/>"), 67, "copy_on_read is not compatible with read-only disk 'vda'"),
        (disk("", inside="<readonly/>", target=HDA), 67, "readonly ide disks are not supported"),
        (disk("", target="<target dev='vda1' bus='virtio'/>"), 67, "invalid disk target 'vda1', partitions can't appear in disk targets"),
        (disk("", target="<target dev='vda' bus='virtio' rotation_rate='5'/>"), 1, "rotation rate is only valid for SCSI/IDE/SATA bus"),
        (disk("", inside="<geometry cyls='1' heads='1' secs='1' trans='lba'/>"), 67, "CHS translation mode can only be set for 'ide' bus not 'virtio'"),
        (disk("", inside="<serial>a&lt;</serial>"), 1, "driver serial 'a<' contains unsafe characters"),
        (disk("", inside="<wwn>5000c50015ea71aa</wwn>"), 67, "Only ide and scsi disk support wwn"),
        (disk("", inside="<vendor>a</vendor>", target=HDA), 67, "Only scsi disk supports vendor and product"),
        (disk("", inside="<iotune><group_name>g</group_name></iotune>"), 67, "group_name can be configured only together with settings"),
        (disk("", inside="<iotune><total_bytes_sec>9999999999999999</total_bytes_sec></iotune>"), 74, "block I/O throttle limit must be no more than 1000000000000000 using QEMU"),
        (disk("", target="<target dev='auto' bus='virtio'/>"), 27, "Unknown disk name 'auto' and no address specified"),
        (disk("").replace("'qemu'", "'file'"), 67, "unsupported driver name 'file' for disk 'vda'"),
    ],
)  # fmt: skip
def test_drives(devices: str, code: int, text: str) -> None:
    assert refused(devices) == (code, text)


def test_disks_of_one_group_have_the_same_limits() -> None:
    limits = "<iotune><total_bytes_sec>{}</total_bytes_sec><group_name>g</group_name></iotune>"
    first = disk(inside=limits.format(1))
    other = disk(inside=limits.format(2), target="<target dev='vdb' bus='virtio'/>")
    assert refused(first + other) == (67, "different iotunes for disks vda and vdb")


def test_an_address_cannot_demand_any_number_of_controllers() -> None:
    place = "<address type='drive' controller='4000000000'/>"
    code, text = refused(disk(inside=place, target="<target dev='sda' bus='scsi'/>"))
    assert code == 1
    assert "none is available" in (text or "")
    assert refused(disk(target="<target dev='sdzzzzzzzzzz' bus='scsi'/>"))[0] == 27


@pytest.mark.parametrize(
    ("vcpus", "text"),
    [
        ("<vcpu id='0' enabled='no'/>", "vcpu 0 can't be offline"),
        ("<vcpu id='0' enabled='yes' hotpluggable='yes'/>", "vcpu0 can't be hotpluggable"),
        ("<vcpu id='0' enabled='yes' order='2'/>", "vcpu0 must be enabled first"),
        (
            "<vcpu id='0' enabled='yes' order='1'/><vcpu id='1' enabled='yes'/>",
            "all vcpus must have either set or unset order",
        ),
        (
            "<vcpu id='0' enabled='yes'/><vcpu id='2' enabled='yes' hotpluggable='no'/>",
            "online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus",
        ),
    ],
)
def test_vcpus_one_by_one(vcpus: str, text: str) -> None:
    assert refused("", f"<vcpu>3</vcpu><vcpus>{vcpus}</vcpus>") == (67, text)


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("<clock><timer name='platform'/></clock>", "unsupported timer type (name) 'platform'"),
        ("<clock><timer name='rtc' track='boot'/></clock>", "unsupported rtc timer track 'boot'"),
        ("<clock><timer name='pit' tickpolicy='merge'/></clock>", "unsupported pit tickpolicy 'merge'"),
        (
            "<clock><timer name='armvtimer'/></clock>",
            "Configuring the 'armvtimer' timer is not supported for virtType=qemu arch=x86_64 machine=pc-i440fx-7.2 guests",
        ),
        ("<sysinfo type='fwcfg'><entry name='a'>b</entry></sysinfo>", "Invalid firmware name"),
        ("<sysinfo type='fwcfg'><entry name='opt/ovmf/a'>b</entry></sysinfo>", "That firmware name is reserved"),
        ("<memtune><min_guarantee>5</min_guarantee></memtune>", "Parameter 'min_guarantee' not supported by QEMU."),
        (
            "<memoryBacking><hugepages/><source type='anonymous'/></memoryBacking>",
            "hugepages are not allowed with anonymous memory source",
        ),
        (
            "<on_reboot>preserve</on_reboot>",
            "qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'",
        ),
        ("<features><tcg><tb-cache>5</tb-cache></tcg></features>", "tb-cache size must be an integer multiple of MiB"),
    ],
)
def test_systems(extra: str, text: str) -> None:
    assert refused("", extra) == (67, text)
