# SPDX-License-Identifier: LGPL-2.1-or-later
"""Controllers that other devices call for, and the numbers of ports."""

from __future__ import annotations

import pytest

from conf.domain import Domain, parse_domain
from drivers.common.chardevs import number_chardevs
from drivers.common.controllers import add_hostdev_controllers, add_missing_controllers
from virtd.errors import Code, VirtError

HOSTDEV = (
    "<hostdev mode='subsystem' type='scsi'><source><adapter name='scsi_host0'/>"
    "<address bus='0' target='0' unit='{unit}'/></source>{address}</hostdev>"
)


def domain(devices: str) -> Domain:
    return parse_domain(
        f"<domain type='kvm'><name>g</name><memory>1</memory><os><type>hvm</type></os><devices>{devices}</devices></domain>"
    )


def disk(dev: str, bus: str, controller: int) -> str:
    return (
        f"<disk type='file'><target dev='{dev}' bus='{bus}'/><address type='drive' controller='{controller}'/></disk>"
    )


def hostdev(unit: int, controller: int | None = None) -> str:
    address = "" if controller is None else f"<address type='drive' controller='{controller}'/>"
    return HOSTDEV.format(unit=unit, address=address)


def controllers(guest: Domain) -> list[tuple[str, int | None, str | None]]:
    return [(c.type, c.index, c.model) for c in guest.devices.controllers]


def test_controllers_of_disks_come_by_bus_without_gaps() -> None:
    guest = domain(
        disk("sda", "sata", 1)
        + disk("sdb", "scsi", 0)
        + disk("fda", "fdc", 0)
        + "<controller type='sata' index='0'/><disk type='file'><target dev='vda' bus='virtio'/></disk>"
    )
    add_missing_controllers(guest)
    assert controllers(guest) == [("sata", 0, None), ("scsi", 0, None), ("fdc", 0, None), ("sata", 1, None)]


def test_controllers_of_channels_and_smartcards() -> None:
    guest = domain(
        "<channel type='pty'><target type='virtio'/><address type='virtio-serial' controller='2'/></channel>"
        "<console type='pty'><target type='virtio'/></console>"
        "<smartcard mode='host'><address type='ccid' controller='1' slot='0'/></smartcard>"
    )
    add_missing_controllers(guest)
    assert controllers(guest) == [
        ("virtio-serial", 2, None),
        ("virtio-serial", 0, None),
        ("ccid", 0, None),
        ("ccid", 1, None),
    ]


def test_a_host_device_gets_a_controller_like_the_one_before() -> None:
    guest = domain("<controller type='scsi' index='0' model='virtio-scsi'/>" + hostdev(0) + hostdev(1, controller=1))
    add_hostdev_controllers(guest, alike=True)
    assert controllers(guest) == [("scsi", 0, "virtio-scsi"), ("scsi", 1, "virtio-scsi")]


def test_a_host_device_without_a_place_wants_the_first_controller() -> None:
    guest = domain(hostdev(0))
    add_hostdev_controllers(guest)
    assert controllers(guest) == [("scsi", 0, None)]


def test_more_controllers_than_any_machine_has_slots_for() -> None:
    with pytest.raises(VirtError) as caught:
        add_missing_controllers(domain(disk("sda", "scsi", 1025)))
    assert caught.value.code == Code.INTERNAL_ERROR


def test_numbers_of_ports() -> None:
    guest = domain(
        "<serial type='pty'/>"
        "<serial type='pty'><target type='isa-serial'/></serial>"
        "<serial type='pty'><target type='isa-serial' port='0'/></serial>"
        "<serial type='pty'><target port='5'/></serial>"
        "<parallel type='pty'/><parallel type='pty'><target port='1'/></parallel>"
        "<console type='pty'/><console type='pty'><target type='virtio' port='7'/></console>"
    )
    number_chardevs(guest)
    devices = guest.devices
    assert [serial.target and serial.target.port for serial in devices.serials] == [6, 1, 0, 5]
    assert [parallel.target and parallel.target.port for parallel in devices.parallels] == [2, 1]
    assert [console.target and console.target.port for console in devices.consoles] == [0, 1]
