# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come and go: what QEMU is told, in which order, and what is undone when it refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conf.domain.devices.interface import InterfaceTarget
from drivers.qemu.hotplug import plugging
from tests.fakes.guests import World, guest_xml
from tests.fakes.house import until
from tests.fakes.qmp_server import FakeError, FakeQmpServer
from virtd.enums import DomainEventID
from virtd.enums import DomainModificationImpact as Impact
from virtd.errors import Code, VirtError
from virtd.host import netdev
from virtd.refs import DomainRef

LIVE, CONFIG = Impact.LIVE, Impact.CONFIG
ALL = (
    "blockdev-add",
    "blockdev-del",
    "device_add",
    "netdev_add",
    "netdev_del",
    "chardev-remove",
    "object-add",
    "object-del",
    "set_link",
)
NET = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"


def disk(path: Path, target: str = "sdx", bus: str = "usb") -> str:
    path.write_bytes(bytes(1 << 20))
    return (
        f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'/>"
        f"<target dev='{target}' bus='{bus}'/></disk>"
    )


async def running(world: World, devices: str = "") -> tuple[DomainRef, FakeQmpServer]:
    spare = "".join(f"<controller type='pci' index='{n}' model='pcie-root-port'/>" for n in range(1, 9))
    spare += "<controller type='pci' index='9' model='pcie-to-pci-bridge'/>"
    ref = await world.define(guest_xml("g", devices + spare))
    server = await world.run(ref)
    server.replies |= {name: {} for name in ALL}
    server.replies["chardev-add"] = {"pty": "/dev/pts/77"}

    def unplug(arguments: dict[str, str]) -> dict[str, str]:
        server.event("DEVICE_DELETED", device=arguments["id"], path="/machine/peripheral/x")
        return {}

    server.replies["device_del"] = unplug
    return ref, server


def names(server: FakeQmpServer) -> list[str]:
    return [name for name, _ in server.commands]


async def test_a_disk_comes_and_goes(world: World, tmp_path: Path):
    ref, server = await running(world)
    xml = disk(tmp_path / "image")
    await world.api.domain_attach_device_flags(ref, xml, LIVE)
    assert names(server) == ["blockdev-add", "blockdev-add", "device_add"]
    assert server.commands[-1][1]["driver"] == "usb-storage"
    shown = world.api.domain_get_xml_desc(ref, 0)
    assert "<alias name='usb-disk23'/>" in shown
    assert "<target dev='sdx' bus='usb'/>" in world.context.paths.status("g").read_text()
    assert "sdx" not in world.api.domain_get_xml_desc(ref, 2)
    server.commands.clear()
    await world.api.domain_detach_device_flags(ref, xml, LIVE)
    assert names(server) == ["device_del", "blockdev-del", "blockdev-del"]
    assert "sdx" not in world.api.domain_get_xml_desc(ref, 0)
    assert world.told(DomainEventID.DEVICE_ADDED) == [("usb-disk23",)]
    assert world.told(DomainEventID.DEVICE_REMOVED) == [("usb-disk23",)]


async def test_a_disk_comes_among_those_of_its_bus(world: World, tmp_path: Path):
    ref, _ = await running(world, disk(tmp_path / "1", "vda", "virtio") + disk(tmp_path / "2", "sda", "sata"))
    await world.api.domain_attach_device_flags(ref, disk(tmp_path / "3", "vdb", "virtio"), LIVE)
    assert [d.target.dev for d in world.guest(ref).definition.devices.disks] == ["vda", "vdb", "sda"]


async def test_what_qemu_refuses_leaves_nothing(world: World, tmp_path: Path):
    ref, server = await running(world)
    server.replies["device_add"] = FakeError("no room")
    before = world.api.domain_get_xml_desc(ref, 0)
    with pytest.raises(VirtError, match="unable to execute QEMU command 'device_add': no room"):
        await world.api.domain_attach_device_flags(ref, disk(tmp_path / "image"), LIVE)
    assert names(server) == ["blockdev-add", "blockdev-add", "device_add", "blockdev-del", "blockdev-del"]
    assert world.api.domain_get_xml_desc(ref, 0) == before
    assert world.told(DomainEventID.DEVICE_ADDED) == []


async def test_a_scsi_disk_brings_its_controller(world: World, tmp_path: Path):
    ref, server = await running(world)
    await world.api.domain_attach_device_flags(ref, disk(tmp_path / "image", "sda", "scsi"), LIVE)
    added = [a["driver"] for name, a in server.commands if name == "device_add"]
    assert len(added) == 2
    assert added[1] == "scsi-hd"
    assert "<controller type='scsi' index='0'" in world.api.domain_get_xml_desc(ref, 0)
    assert len(world.told(DomainEventID.DEVICE_ADDED)) == 1


async def test_a_card_comes_now_and_for_next_time_as_one(world: World):
    ref, server = await running(world)
    anonymous = "<interface type='user'><model type='virtio'/></interface>"
    await world.api.domain_attach_device_flags(ref, anonymous, LIVE | CONFIG)
    guest = world.guest(ref)
    assert guest.live is not None
    assert guest.persistent is not None
    now, later = guest.live.devices.interfaces[0], guest.persistent.devices.interfaces[0]
    assert now.mac == later.mac
    assert names(server) == ["netdev_add", "device_add"]
    assert later.alias is None


async def test_a_guest_that_keeps_a_device_may_let_go_later(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plugging, "UNPLUG_SECONDS", 0.05)
    ref, server = await running(world, NET)
    server.replies["device_del"] = {}
    await world.api.domain_detach_device_flags(ref, NET, LIVE)
    assert "52:54:00:00:00:01" in world.api.domain_get_xml_desc(ref, 0)
    assert world.told(DomainEventID.DEVICE_REMOVED) == []
    server.event("DEVICE_DELETED", device="net0", path="/machine/peripheral/net0")
    await until(lambda: world.told(DomainEventID.DEVICE_REMOVED))
    await asyncio.sleep(0.05)
    assert "52:54:00:00:00:01" not in world.api.domain_get_xml_desc(ref, 0)
    assert "netdev_del" in names(server)


async def test_a_pty_channel_shows_its_terminal_and_brings_its_controller(world: World):
    ref, server = await running(world)
    await world.api.domain_attach_device_flags(
        ref, "<channel type='pty'><target type='virtio' name='x'/></channel>", LIVE
    )
    assert "<source path='/dev/pts/77'/>" in world.api.domain_get_xml_desc(ref, 0)
    assert [a["driver"] for name, a in server.commands if name == "device_add"] == [
        "virtio-serial-pci",
        "virtserialport",
    ]


async def test_a_cable_is_pulled(world: World):
    ref, server = await running(world, NET)
    await world.api.domain_update_device_flags(
        ref, NET.replace("</interface>", "<link state='down'/></interface>"), LIVE
    )
    assert server.commands == [("set_link", {"name": "net0", "up": False})]
    assert "<link state='down'/>" in world.api.domain_get_xml_desc(ref, 0)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ("<mtu size='1400'/>", "cannot modify MTU"),
        ("<driver queues='2'/>", "cannot modify virtio network device driver attributes"),
        ("<rom bar='off'/>", "cannot modify network device rom bar setting"),
        ("<target dev='mytap'/>", "cannot modify network device tap name"),
        ("<bandwidth><inbound average='100'/></bandwidth>", "unable to change config on 'user' network type"),
    ],
)
async def test_what_of_a_card_does_not_change_is_refused(world: World, more: str, text: str):
    ref, _ = await running(world, NET)
    with pytest.raises(VirtError, match=text) as caught:
        await world.api.domain_update_device_flags(ref, NET.replace("</interface>", f"{more}</interface>"), LIVE)
    assert caught.value.code == Code.OPERATION_UNSUPPORTED
    await world.api.domain_update_device_flags(ref, NET, LIVE)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("type='raw'/>", "type='raw' cache='none'/>", "cache"),
        ("</disk>", "<readonly/></disk>", "readonly"),
        ("</disk>", "<serial>abc</serial></disk>", "serial"),
        ("</disk>", "<iotune><total_iops_sec>9</total_iops_sec></iotune></disk>", "blkdeviotune total_iops_sec"),
        ("bus='usb'", "bus='sata'", "bus"),
    ],
)
async def test_what_of_a_disk_does_not_change_is_refused(world: World, tmp_path: Path, old: str, new: str, word: str):
    xml = disk(tmp_path / "image")
    ref, _ = await running(world, xml)
    with pytest.raises(VirtError, match=f"cannot modify field '{word}' of the disk") as caught:
        await world.api.domain_update_device_flags(ref, xml.replace(old, new), LIVE)
    assert caught.value.code == Code.OPERATION_UNSUPPORTED
    await world.api.domain_update_device_flags(ref, xml.replace("<source ", "<source startupPolicy='optional' "), LIVE)
    assert "startupPolicy='optional'" in world.api.domain_get_xml_desc(ref, 0)


async def test_what_stays_in_a_running_guest_and_what_lacks_spice(world: World, tmp_path: Path):
    ref, _ = await running(world, disk(tmp_path / "image", "sda", "scsi"))
    for kind, text in (("usb", "'usb' controller cannot be hot unplugged"), ("scsi", "device is busy")):
        with pytest.raises(VirtError, match=text):
            await world.api.domain_detach_device_flags(ref, f"<controller type='{kind}' index='0'/>", LIVE)
    for xml in (
        "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
        "<redirdev bus='usb' type='spicevmc'/>",
    ):
        with pytest.raises(VirtError, match="chardev 'spicevmc' not supported without spice graphics"):
            await world.api.domain_attach_device_flags(ref, xml, LIVE)


async def test_a_card_is_moved_to_another_bridge(world: World, monkeypatch: pytest.MonkeyPatch):
    card = NET.replace("'user'>", "'bridge'><source bridge='{}'/>")
    ref, _ = await running(world, card.format("one"))
    world.guest(ref).definition.devices.interfaces[0].target = InterfaceTarget(dev="vnet0")
    moves = []
    monkeypatch.setattr(netdev, "exists", lambda name: name == "two")
    monkeypatch.setattr(netdev, "remove_from_bridge", lambda *names: moves.append(("out", *names)))
    monkeypatch.setattr(netdev, "add_to_bridge", lambda *names: moves.append(("in", *names)))
    with pytest.raises(VirtError, match="bridge three doesn't exist"):
        await world.api.domain_update_device_flags(ref, card.format("three"), LIVE)
    await world.api.domain_update_device_flags(ref, card.format("two"), LIVE)
    assert moves == [("out", "one", "vnet0"), ("in", "two", "vnet0")]
    assert "<source bridge='two'/>" in world.api.domain_get_xml_desc(ref, 0)


async def test_a_medium_is_changed(world: World, tmp_path: Path):
    drive = "<disk type='file' device='cdrom'>{}<target dev='sda' bus='sata'/></disk>"
    (tmp_path / "new.iso").write_bytes(bytes(4096))
    ref, server = await running(world, drive.format(""))
    for name in ("open-tray", "remove-medium", "insert-medium", "close-tray"):
        server.replies[f"blockdev-{name}"] = {}
    source = f"<driver name='qemu' type='raw'/><source file='{tmp_path / 'new.iso'}'/>"
    await world.api.domain_update_device_flags(ref, drive.format(source), LIVE)
    assert names(server) == [
        "blockdev-add",
        "blockdev-add",
        "blockdev-open-tray",
        "blockdev-remove-medium",
        "blockdev-insert-medium",
        "blockdev-close-tray",
    ]
    assert "new.iso" in world.api.domain_get_xml_desc(ref, 0)


@pytest.mark.parametrize(
    ("xml", "code", "message"),
    [
        ("<sound model='ich9'/>", Code.OPERATION_UNSUPPORTED, "live attach of device 'sound' is not supported"),
        ("<input type='mouse' bus='ps2'/>", Code.OPERATION_UNSUPPORTED, "on bus 'ps2' cannot be hot plugged"),
        (
            "<memory model='dimm'><target><size>1024</size></target></memory>",
            Code.CONFIG_UNSUPPORTED,
            "when domain 'maxMemory' is not defined",
        ),
        (
            "<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>",
            Code.OPERATION_UNSUPPORTED,
            "floppy device hotplug isn't supported",
        ),
    ],
)
async def test_what_no_running_guest_takes(world: World, xml: str, code: Code, message: str):
    ref, server = await running(world)
    with pytest.raises(VirtError, match=message) as caught:
        await world.api.domain_attach_device_flags(ref, xml, LIVE)
    assert caught.value.code == code
    assert server.commands == []


async def test_stored_devices(world: World, tmp_path: Path):
    ref = await world.define()
    xml = disk(tmp_path / "image", "vda", "virtio")
    await world.api.domain_attach_device_flags(ref, xml, CONFIG)
    with pytest.raises(VirtError, match="target vda already exists"):
        await world.api.domain_attach_device_flags(ref, xml, CONFIG)
    assert "<address type='pci'" in world.api.domain_get_xml_desc(ref, 0).split("vda")[1].split("</disk>")[0]
    other = disk(tmp_path / "other", "vda", "virtio")
    await world.api.domain_update_device_flags(ref, other, CONFIG)
    assert "/other" in world.context.paths.definitions.path("g").read_text()
    await world.api.domain_detach_device_flags(ref, other, CONFIG)
    assert "vda" not in world.context.paths.definitions.path("g").read_text()
    with pytest.raises(VirtError, match="no target device vda") as caught:
        await world.api.domain_detach_device_flags(ref, other, CONFIG)
    assert caught.value.code == Code.DEVICE_MISSING


async def test_a_card_whose_network_became_a_bridge_is_known_by_the_bridge(world: World):
    card = "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source network='n' bridge='b'/>{}</interface>"
    ref, server = await running(world, card.format(""))
    source = world.guest(ref).require_active().devices.interfaces[0].source
    assert source is not None
    source.network = "n"
    await world.api.domain_update_device_flags(ref, card.format("<link state='down'/>"), LIVE)
    assert ("set_link", {"name": "net0", "up": False}) in server.commands
    with pytest.raises(VirtError, match=r"bridge c doesn.t exist"):
        await world.api.domain_update_device_flags(ref, card.format("").replace("'b'", "'c'"), LIVE)


async def test_screens_are_checked_before_they_are_changed(world: World):
    ref, _ = await running(world, "<graphics type='vnc' port='-1'/>")
    for xml, code, text in (
        (
            "<graphics type='vnc' port='-1' passwd='abcdefghi'/>",
            Code.CONFIG_UNSUPPORTED,
            "VNC password is 9 characters",
        ),
        ("<graphics type='rdp'/>", Code.CONFIG_UNSUPPORTED, "rdp graphics are not supported"),
        ("<graphics type='spice'/>", Code.DEVICE_MISSING, "cannot find existing graphics device"),
    ):
        with pytest.raises(VirtError, match=text) as caught:
            await world.api.domain_update_device_flags(ref, xml, 1)
        assert caught.value.code is code
