# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses that are not PCI's: drives, USB, virtio-serial, channels of S/390, registers of pSeries, memory slots."""

from __future__ import annotations

import pytest

from conf.domain import Domain
from conf.domain.devices.address import CCWAddress, DIMMAddress, PCIAddress, SpaprVIOAddress, USBAddress
from conf.domain.devices.info import DeviceInfo
from drivers.common.drives import drive_place, place_of
from tests.fakes.emulators import define
from virtd.errors import VirtError

DISK = "<disk type='file'><source file='/{0}'/><target dev='{0}' bus='{1}'/></disk>"
TABLET = "<input type='tablet' bus='usb'/>"


def ports(devices: list[DeviceInfo]) -> list[str | None]:
    return [device.address.port for device in devices if isinstance(device.address, USBAddress)]


@pytest.mark.parametrize(
    ("bus", "index", "place"),
    [
        ("scsi", 6, (0, 0, 0, 6)),
        ("scsi", 7, (1, 0, 0, 0)),
        ("scsi", 26, (3, 0, 0, 5)),
        ("ide", 3, (0, 1, 0, 1)),
        ("ide", 4, (1, 0, 0, 0)),
        ("sata", 6, (1, 0, 0, 0)),
        ("fdc", 1, (0, 0, 0, 1)),
    ],
)
def test_places_by_name(bus: str, index: int, place: tuple[int, int, int, int]) -> None:
    assert drive_place(bus, index) == place


def test_controllers_follow_disks() -> None:
    domain = define(DISK.format("sdh", "scsi") + DISK.format("hda", "ide") + DISK.format("sdb", "sata"))
    assert [(c.type, c.index) for c in domain.devices.controllers if c.type in ("scsi", "ide", "sata")] == [
        ("scsi", 0),
        ("scsi", 1),
        ("ide", 0),
        ("sata", 0),
    ]


def test_a_name_that_gives_no_place() -> None:
    with pytest.raises(VirtError, match="Unknown disk name 'disk' and no address specified"):
        define(DISK.format("disk", "scsi"))


def test_host_devices_take_units_behind_disks() -> None:
    scsi = "<hostdev mode='subsystem' type='scsi'><source><adapter name='a'/><address bus='0' target='0' unit='{}'/></source></hostdev>"
    domain = define(DISK.format("sda", "scsi") + "".join(scsi.format(n) for n in range(8)))
    units = [place_of(h) for h in domain.devices.hostdevs]
    assert units == [(0, 0, 0, n) for n in range(1, 7)] + [(1, 0, 0, 0), (1, 0, 0, 1)]


def test_hubs_are_added_for_many_devices() -> None:
    domain = define(TABLET * 4)
    assert ports(list(domain.devices.hubs)) == ["1"]
    assert ports(list(domain.devices.inputs)) == ["2", "1.1", "1.2", "1.3"]


def test_few_devices_need_no_hub() -> None:
    assert define(TABLET * 2).devices.hubs == []


def test_a_device_stays_on_the_bus_it_names() -> None:
    xhci = "<controller type='usb' index='1' model='qemu-xhci'/>"
    domain = define(xhci + "<input type='tablet' bus='usb'><address type='usb' bus='1'/></input>" + TABLET)
    assert [i.address.bus for i in domain.devices.inputs if isinstance(i.address, USBAddress)] == [1, 0]


def test_channels_get_ports_and_controllers() -> None:
    channel = "<channel type='pty'><target type='virtio' name='{}'/></channel>"
    domain = define("<controller type='virtio-serial' ports='3'/>" + "".join(channel.format(n) for n in "abc"))
    places = [(c.address.controller, c.address.port) for c in domain.devices.channels if c.address]  # type: ignore[union-attr]
    assert places == [(0, 1), (0, 2), (1, 1)]
    assert [c.index for c in domain.devices.controllers if c.type == "virtio-serial"] == [0, 1]


def _s390() -> Domain:
    return define(
        DISK.format("vda", "virtio") + "<interface type='user'/><controller type='virtio-serial'/>",
        arch="s390x",
        machine="s390-ccw-virtio",
    )


def test_s390_channels() -> None:
    devices = _s390().devices
    order = [*devices.disks, *devices.interfaces, *(c for c in devices.controllers if c.type == "virtio-serial")]
    assert [d.address.devno for d in order if isinstance(d.address, CCWAddress)] == [0, 1, 2]
    assert isinstance(devices.memballoon and devices.memballoon.address, CCWAddress)


def test_zpci_numbers() -> None:
    host = "<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source>{}</hostdev>"
    given = "<address type='pci'><zpci uid='0x0001'/></address>"
    other = host.replace("bus='1'", "bus='2'").format("")
    devices = define(host.format(given) + other, arch="s390x", machine="s390-ccw-virtio").devices
    numbers = [h.address.zpci for h in devices.hostdevs if isinstance(h.address, PCIAddress)]
    assert [(n.uid, n.fid) for n in numbers if n] == [(1, 0), (2, 1)]


def test_zpci_numbers_of_host_devices_come_before_those_of_controllers() -> None:
    host = "<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source></hostdev>"
    usb = "<controller type='usb' model='qemu-xhci'/>"
    devices = define(usb + host, arch="s390x", machine="s390-ccw-virtio").devices
    first, second = devices.hostdevs[0], next(c for c in devices.controllers if c.type == "usb")
    numbers = [d.address.zpci for d in (first, second) if isinstance(d.address, PCIAddress)]
    assert [(n.uid, n.fid) for n in numbers if n] == [(1, 0), (2, 1)]


def test_zpci_numbers_of_bridges_and_serial_ports() -> None:
    devices = define(
        "<controller type='pci' index='1' model='pci-bridge'/><rng model='virtio'><backend model='random'/>"
        "<address type='pci'/></rng><serial type='pty'><target type='pci-serial'/><address type='pci'/></serial>",
        arch="s390x",
        machine="s390-ccw-virtio",
    ).devices
    bridge = next(c for c in devices.controllers if c.type == "pci" and c.index == 1)
    rng, serial = devices.rngs[0].address, devices.serials[0].address
    assert isinstance(rng, PCIAddress)
    assert isinstance(serial, PCIAddress)
    assert isinstance(bridge.address, PCIAddress)
    assert [a.zpci and a.zpci.uid for a in (rng, bridge.address, serial)] == [1, 2, None]


def test_a_bridge_that_is_added_has_no_zpci_numbers_yet() -> None:
    host = "<hostdev mode='subsystem' type='pci'><source><address bus='1'/></source><address type='pci' bus='1' slot='3'/></hostdev>"
    devices = define(host, arch="s390x", machine="s390-ccw-virtio").devices
    bridge = next(c for c in devices.controllers if c.type == "pci" and c.index == 1)
    assert isinstance(bridge.address, PCIAddress)
    assert bridge.address.zpci is None


def test_pseries_registers() -> None:
    devices = define(
        "<serial type='pty'/><serial type='pty'/><controller type='scsi'/><nvram/>", arch="ppc64", machine="pseries"
    ).devices
    scsi = next(c for c in devices.controllers if c.type == "scsi")
    registers = [
        d.address.reg for d in (*devices.serials, scsi, devices.nvram) if d and isinstance(d.address, SpaprVIOAddress)
    ]
    assert registers == [0x30000000, 0x30001000, 0x2000, 0x3000]


NUMA = "<maxMemory slots='2'>4194304</maxMemory><cpu><numa><cell id='0' cpus='0' memory='262144'/></numa></cpu>"
DIMM = "<memory model='dimm'><target><size>131072</size><node>0</node></target>{}</memory>"


def test_memory_slots() -> None:
    domain = define(DIMM.format("<address type='dimm' slot='0'/>") + DIMM.format(""), extra=NUMA)
    assert [m.address.slot for m in domain.devices.memories if isinstance(m.address, DIMMAddress)] == [0, 1]


def test_too_many_memory_modules() -> None:
    with pytest.raises(VirtError, match="failed to find an empty memory slot"):
        define(DIMM.format("").replace("131072", "65536") * 3, extra=NUMA)


def test_old_boards_map_virtio_into_memory() -> None:
    disk = DISK.format("vda", "virtio").replace("</disk>", "<address type='virtio-mmio'/></disk>")
    domain = define(disk + "<rng model='virtio'><backend model='builtin'/></rng>", arch="aarch64", machine="virt")
    assert [d.address and d.address.type for d in domain.devices.rngs] == ["virtio-mmio"]


def test_s390_numbers_pci_devices_by_kind() -> None:
    place = "<address type='pci'/>"
    domain = define(
        f"<input type='keyboard' bus='virtio'>{place}</input><video><model type='virtio'/>{place}</video>"
        f"<filesystem><source dir='/a'/><target dir='b'/>{place}</filesystem>",
        arch="s390x",
        machine="s390-ccw-virtio",
    )
    devices = domain.devices
    uids = [d.address.zpci.uid for d in (devices.videos[0], devices.inputs[0], devices.filesystems[0])]  # type: ignore[union-attr]
    assert uids == [1, 2, 3]
