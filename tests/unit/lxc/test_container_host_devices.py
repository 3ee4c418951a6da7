# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host by what definitions say of them; names of network devices; files of another I/O scheduler."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.domain import parse_domain
from conf.domain.devices.single import parse_device
from drivers.common import usb
from drivers.lxc.runtime import hostdevices, limits, running
from drivers.lxc.runtime.cgroup import Cgroup, DeviceRule
from drivers.lxc.runtime.groupfolders import Hierarchies
from drivers.lxc.runtime.interfaces import note_names
from tests.fakes.containers import Containers, container_xml
from virtd.errors import Code, VirtError

USB = "<hostdev type='usb'><source>{}</source></hostdev>"
IDS = "<vendor id='0x1234'/><product id='0xbeef'/>"


def test_usb_devices_are_nodes_by_their_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(usb, "resolve", lambda hostdev: usb.UsbDevice(0x1234, 0xBEEF, bus=901, device=902))
    with pytest.raises(VirtError, match="Unable to access /dev/bus/usb/901/902: No such file"):
        hostdevices.node(parse_device(USB.format(IDS)))


def test_a_disk_is_a_device_or_an_image_that_was_made_one():
    disk = parse_device("<disk type='block'><source dev='/etc/passwd'/><target dev='sda'/></disk>")
    with pytest.raises(VirtError, match="Storage source /etc/passwd must be a character device"):
        hostdevices.node(disk)
    image = parse_device("<disk type='file'><source file='/x'/><target dev='sda'/></disk>")
    with pytest.raises(VirtError, match="Can't setup disk for non-block device"):
        hostdevices.node(image)
    node = hostdevices.node(image, ["sda=/dev/null"])
    assert node is not None
    assert (node["path"], node["major"], node["minor"]) == ("sda", 1, 3)


@pytest.mark.parametrize(
    ("driver", "complaint"),
    [
        ("name='nbd'", "disk driver nbd is not supported"),
        ("name='loop' type='qcow2'", "disk format qcow2 is not supported"),
    ],
)
def test_images_that_are_no_disks(driver: str, complaint: str):
    disk = parse_device(f"<disk type='file'><driver {driver}/><source file='/x'/><target dev='sda'/></disk>")
    with pytest.raises(VirtError, match=complaint):
        hostdevices.attach_image(disk)


def test_both_ends_have_names():
    card = "<interface type='ethernet'>{}</interface>"
    domain = parse_domain(container_xml(devices=card.format("<guest dev='eth0'/>") + card.format("") * 2))
    note_names(domain, ["veth0", "", "veth2"])
    cards = domain.devices.interfaces
    assert [c.guest.dev for c in cards if c.guest is not None] == ["eth0", "eth1", "eth2"]
    assert [c.target.dev if c.target is not None else None for c in cards] == ["veth0", None, "veth2"]


@pytest.mark.parametrize("name", ["blkio.weight", "blkio.bfq.weight"])
def test_weights_of_either_scheduler(tmp_path: Path, name: str):
    folder = tmp_path / "machine" / "c"
    folder.mkdir(parents=True)
    (folder / name).write_text("100\n")
    group = Cgroup(Hierarchies({"blkio": tmp_path}, None), "machine/c")
    assert group.get("weight") == 100
    group.set("weight", 300)
    assert (folder / name).read_text() == "300"
    with pytest.raises(VirtError, match="Path '/dev/nope' is not accessible") as raised:
        group.set_device_limit("weight", "/dev/nope", 5)
    assert raised.value.code == Code.SYSTEM_ERROR


class _Group:
    """Notes what is denied."""

    def __init__(self) -> None:
        self.denied: list[DeviceRule] = []

    def has(self, controller: str) -> bool:
        return True

    def deny_device(self, rules: list[DeviceRule], rule: DeviceRule) -> None:
        assert rule not in rules
        self.denied.append(rule)


async def test_a_device_is_allowed_while_anything_needs_it(containers: Containers, monkeypatch: pytest.MonkeyPatch):
    group = _Group()
    monkeypatch.setattr(running, "cgroup", lambda guest: group)
    rules = {"/a": DeviceRule("b", 7, 0), "/b": DeviceRule("b", 7, 0), "/c": DeviceRule("b", 7, 1)}
    monkeypatch.setattr(limits, "device_rule", lambda device, images: rules[device.source.block])
    hostdev = "<hostdev mode='capabilities' type='storage'><source><block>{}</block></source></hostdev>"
    ref = await containers.run(container_xml(devices="<console/>" + "".join(hostdev.format(p) for p in rules)))
    guest = containers.guest(ref)
    first, second, third = guest.require_active().devices.hostdevs
    running._deny(guest, first)
    assert group.denied == []
    guest.require_active().devices.hostdevs = [second, third]
    running._deny(guest, first)  # it never came in
    assert group.denied == []
    running._deny(guest, second)
    assert group.denied == [rules["/b"]]
