# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of a stored definition: which come once only, which come and go, and what libvirt says of the others."""

from __future__ import annotations

import pytest

from conf.domain import Domain, format_domain, parse_domain
from conf.domain.devices.single import parse_device
from drivers.common.devicechanges import attach, detach, update
from virtd.errors import Code, VirtError

HOSTDEV = "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>"
LEASE = "<lease><lockspace>a</lockspace><key>k</key><target path='/x'/></lease>"
CONTROLLER = "<controller type='scsi' index='0' model='virtio-scsi'/>"
CHANNEL = "<channel type='pty'><target type='virtio' name='a'/></channel>"
SERIAL = "<serial type='pty'><target port='1'/></serial>"
FILESYSTEM = "<filesystem type='mount'><source dir='/a'/><target dir='t'/></filesystem>"
SHMEM = "<shmem name='s'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>"
WATCHDOG = "<watchdog model='i6300esb' action='reset'/>"
VSOCK = "<vsock model='virtio'><cid auto='no' address='5'/></vsock>"
SOUND = "<sound model='ich6'/>"
RNG = "<rng model='virtio'><backend model='random'>/dev/random</backend></rng>"
REDIRDEV = "<redirdev bus='usb' type='spicevmc'/>"
MEMORY = "<memory model='dimm'><target><size>1024</size></target></memory>"
INVALID, MISSING = Code.OPERATION_INVALID, Code.DEVICE_MISSING


def domain(devices: str = "") -> Domain:
    return parse_domain(
        "<domain type='kvm'><name>a</name><memory>1000</memory><os><type>hvm</type></os>"
        f"<devices>{devices}</devices></domain>"
    )


@pytest.mark.parametrize(
    ("xml", "again"),
    [
        (HOSTDEV, "device is already in the domain configuration"),
        (LEASE, "Lease k in lockspace a already exists"),
        (CONTROLLER, "controller index='0' already exists"),
        (CHANNEL, "chardev already exists"),
        (SERIAL, "chardev already exists"),
        (FILESYSTEM, "Target already exists"),
        (SHMEM, "device is already in the domain configuration"),
        (WATCHDOG, "domain already has a watchdog"),
        (VSOCK, "domain already has a vsock device"),
    ],
)
def test_a_device_that_comes_once(xml: str, again: str) -> None:
    found = domain()
    attach(found, parse_device(xml))
    before = format_domain(found)
    with pytest.raises(VirtError, match=again) as raised:
        attach(found, parse_device(xml))
    assert raised.value.code == INVALID
    assert format_domain(found) == before
    detach(found, parse_device(xml))
    assert format_domain(found) != before


@pytest.mark.parametrize(
    ("there", "new"),
    [
        (CHANNEL, CHANNEL.replace("'a'", "'b'")),
        (CHANNEL, CHANNEL.replace("pty", "null")),
        (CONTROLLER, "<controller type='scsi'/>"),
        (CONTROLLER, CONTROLLER.replace("scsi'", "virtio-serial'", 1).replace("model='virtio-scsi'", "")),
        (SHMEM, SHMEM.replace("'s'", "'t'")),
        (SOUND, SOUND),
        (RNG, RNG),
    ],
)
def test_devices_beside_each_other(there: str, new: str) -> None:
    found = domain()
    attach(found, parse_device(there))
    attach(found, parse_device(new))
    detach(found, parse_device(there))


@pytest.mark.parametrize(
    ("xml", "code", "text"),
    [
        (HOSTDEV, MISSING, "device not present in domain configuration"),
        (CONTROLLER, MISSING, "device not present in domain configuration"),
        (CHANNEL, Code.INVALID_ARG, "device not present in domain configuration"),
        (LEASE, MISSING, "Lease k in lockspace a does not exist"),
        (FILESYSTEM, MISSING, "no matching filesystem device was found"),
        (RNG, MISSING, "no matching RNG device was found"),
        (REDIRDEV, MISSING, "no matching redirdev was not found"),
        (SHMEM, MISSING, "matching shmem device was not found"),
        (MEMORY, MISSING, "matching memory device was not found"),
        (VSOCK, Code.OPERATION_FAILED, "matching vsock device not found"),
        (WATCHDOG, MISSING, "domain has no watchdog"),
        (SOUND, MISSING, "device not present in domain configuration"),
        ("<interface type='user'/>", MISSING, "no device found"),
    ],
)
def test_a_device_that_is_not_there(xml: str, code: Code, text: str) -> None:
    with pytest.raises(VirtError, match=text) as raised:
        detach(domain(), parse_device(xml))
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("xml", "verbs"),
    [
        ("<tpm model='tpm-crb'><backend type='emulator'/></tpm>", {"attach", "detach", "update"}),
        ("<panic model='isa'/>", {"attach", "detach", "update"}),
        ("<memballoon model='virtio'/>", {"attach", "detach", "update"}),
        ("<video><model type='vga'/></video>", {"attach", "detach", "update"}),
        ("<graphics type='vnc'/>", {"attach", "detach"}),
        ("<iommu model='intel'/>", {"attach", "detach", "update"}),
        (SOUND, {"update"}),
        (CHANNEL, {"update"}),
    ],
)
def test_what_is_not_supported(xml: str, verbs: set[str]) -> None:
    device = parse_device(xml)
    refused = {}
    for verb, change in {"attach": attach, "detach": detach, "update": update}.items():
        try:
            change(domain(xml if verb == "detach" else ""), device)
        except VirtError as error:
            if error.code == Code.OPERATION_UNSUPPORTED:
                refused[verb] = str(error)
    assert set(refused) == verbs
    kind = "chr" if xml == CHANNEL else xml[1:].split()[0].split(">")[0]
    for verb, text in refused.items():
        assert text.endswith(f"persistent {verb} of device '{kind}' is not supported")


def test_an_exchanged_device_keeps_nothing_of_the_old() -> None:
    old = (
        "<disk type='file'><source file='/d'/><target dev='hda' bus='ide'/><alias name='ua-x'/>"
        "<address type='drive' controller='0' bus='1' unit='1'/></disk>"
    )
    found = domain(old)
    update(found, parse_device("<disk type='file'><source file='/e'/><target dev='hda' bus='virtio'/></disk>"))
    (disk,) = found.devices.disks
    assert (disk.target.bus, disk.alias, disk.address) == ("virtio", None, None)


@pytest.mark.parametrize(("current", "grown"), [(1000, 2024), (600, 600)])
def test_a_module_is_part_of_the_memory(current: int, grown: int) -> None:
    found = domain()
    found.current_memory = current
    attach(found, parse_device(MEMORY))
    assert (found.memory, found.current_memory) == (2024, grown)
    detach(found, parse_device(MEMORY))
    assert (found.memory, found.current_memory) == (1000, current)


def test_cards_that_cannot_be_told_apart() -> None:
    card = "<interface type='user'/>"
    with pytest.raises(VirtError, match="multiple matching devices found"):
        detach(domain(card * 2), parse_device(card))
