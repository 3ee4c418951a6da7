# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that can be defined but not put on a command line."""

from __future__ import annotations

import pytest

from conf.domain import parse_domain
from drivers.qemu.command.refusals import check_devices
from virtd.errors import Code, VirtError

GUEST = (
    "<domain type='qemu'><name>g</name><memory>65536</memory><os><type>hvm</type></os><devices>{}</devices></domain>"
)

UNSUPPORTED = Code.CONFIG_UNSUPPORTED
INTERNAL = Code.INTERNAL_ERROR

REFUSED = {
    "two displays of a kind": ("<graphics type='vnc'/><graphics type='vnc'/>", UNSUPPORTED, "of each type"),
    "two listens": (
        "<graphics type='vnc'><listen type='address' address='::1'/><listen type='address' address='127.0.0.1'/></graphics>",
        UNSUPPORTED,
        "multiple listens",
    ),
    "VNC below its ports": ("<graphics type='vnc' port='80'/>", UNSUPPORTED, "port must be in range"),
    "secure without TLS": (
        "<graphics type='spice' port='5900' autoport='no' defaultMode='secure'/>",
        UNSUPPORTED,
        "defaultMode secure",
    ),
    "secure channel without TLS": (
        "<graphics type='spice' port='5900' autoport='no'><channel name='main' mode='secure'/></graphics>",
        UNSUPPORTED,
        "secure channels",
    ),
    "another spice channel": (
        "<channel type='spicevmc'><target type='virtio' name='org.example'/></channel>",
        UNSUPPORTED,
        "'org.example'",
    ),
    "sound nowhere to be heard": ("<sound model='ich6'/>", INTERNAL, "audio backend"),
    "an adapter that is none of SCSI": (
        (
            "<hostdev mode='subsystem' type='scsi'><source><adapter name='card1'/>"
            "<address bus='0' target='0' unit='0'/></source></hostdev>"
        ),
        INTERNAL,
        "'card1'",
    ),
    "older PCI assignment": (
        (
            "<hostdev mode='subsystem' type='pci'><driver name='kvm'/>"
            "<source><address domain='0' bus='1' slot='2' function='3'/></source></hostdev>"
        ),
        INTERNAL,
        "'kvm'",
    ),
    "little shared memory": ("<shmem name='m'><size unit='KiB'>512</size></shmem>", Code.XML_ERROR, "at least 1 MiB"),
    "a board's port where there is none": (
        "<serial type='pty'><target type='system-serial'/></serial>",
        INTERNAL,
        "Invalid target model",
    ),
    "Xen's channel": ("<channel type='pty'><target type='xen' name='x'/></channel>", INTERNAL, "'xen'"),
    "no event device": ("<input type='evdev'/>", INTERNAL, "'evdev'"),
    "odd shared memory": ("<shmem name='m'><size unit='M'>3</size></shmem>", Code.XML_ERROR, "power of two"),
    "shared memory nowhere": ("<shmem name='m'><size unit='M'>4</size></shmem>", UNSUPPORTED, "'pci' addresses"),
    "shared memory elsewhere": (
        "<shmem name='m'><size unit='M'>4</size><address type='usb' bus='0' port='1'/></shmem>",
        UNSUPPORTED,
        "'pci' addresses",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_for_a_start(case: str) -> None:
    xml, code, words = REFUSED[case]
    with pytest.raises(VirtError, match=words) as error:
        check_devices(parse_domain(GUEST.format(xml)))
    assert error.value.code == code


def test_ordinary_devices_pass() -> None:
    check_devices(
        parse_domain(
            GUEST.format(
                "<graphics type='vnc' autoport='yes'/><graphics type='spice' autoport='yes' defaultMode='secure'/>"
                "<sound model='ich6'/><channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>"
                "<shmem name='m'><size unit='M'>4</size><address type='pci' slot='7'/></shmem>"
            )
        )
    )
