# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of devices."""

from __future__ import annotations

from conf.domain.devices.rng import RNG
from drivers.qemu.aliases import alias_of_new, assign_aliases
from drivers.qemu.migratable import migratable_form
from tests.fakes.emulators import define

DISK = "<disk type='file' device='{2}'><source file='/{0}'/><target dev='{0}' bus='{1}'/></disk>"


def test_disks_and_controllers_by_place() -> None:
    domain = define(
        DISK.format("vdb", "virtio", "disk")
        + DISK.format("sda", "scsi", "disk")
        + DISK.format("sdb", "sata", "disk")
        + DISK.format("sdc", "usb", "disk")
        + DISK.format("fda", "fdc", "floppy")
        + "<controller type='scsi' model='virtio-scsi'/>",
        machine="q35",
    )
    assign_aliases(domain)
    assert {d.target.dev: d.alias for d in domain.devices.disks} == {
        "vdb": "virtio-disk1",
        "sda": "scsi0-0-0-0",
        "sdb": "sata0-0-1",
        "sdc": "usb-disk2",
        "fda": "fdc0-0-0",
    }
    names = {(c.type, c.index): c.alias for c in domain.devices.controllers}
    assert names["pci", 0] == "pcie.0"
    assert names["pci", 1] == "pci.1"
    assert names["sata", 0] == "ide"
    assert names["usb", 0] == "usb"
    assert names["scsi", 0] == "scsi0"


def test_others_by_number() -> None:
    domain = define("<interface type='user'/><interface type='user'/><console type='pty'/><video/>")
    assign_aliases(domain)
    devices = domain.devices
    assert [i.alias for i in devices.interfaces] == ["net0", "net1"]
    assert [devices.serials[0].alias, devices.consoles[0].alias] == ["serial0", "serial0"]
    assert [i.alias for i in devices.inputs] == ["input0", "input1"]
    assert devices.memballoon
    assert devices.memballoon.alias == "balloon0"


def test_names_of_users_stay() -> None:
    mine = "<alias name='ua-mine'/>"
    domain = define(
        f"<interface type='user'>{mine}</interface><interface type='user'/>"
        f"<hub type='usb'>{mine.replace('mine', 'hub')}</hub><hub type='usb'/>"
    )
    assign_aliases(domain)
    assert [i.alias for i in domain.devices.interfaces] == ["ua-mine", "net0"]
    # a hub's number is its place
    assert [h.alias for h in domain.devices.hubs] == ["ua-hub", "hub1"]


def test_a_new_device_follows_the_last_of_its_kind() -> None:
    rng = "<rng model='virtio'><backend model='builtin'/></rng>"
    domain = define(rng * 2)
    assign_aliases(domain)
    new: RNG = define(rng).devices.rngs[0]
    assert alias_of_new(new, domain) == "rng2"


def test_migratable_form_leaves_out_what_goes_without_saying() -> None:
    domain = define()
    before = domain.model_copy(deep=True)
    devices = migratable_form(domain).devices
    assert [(c.type, c.model) for c in devices.controllers] == []
    assert [i.type for i in devices.inputs] == ["mouse"]
    assert devices.audios == []
    assert domain == before


def test_migratable_form_has_a_format_for_an_empty_drive() -> None:
    domain = define("<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>")
    [drive] = domain.devices.disks
    assert drive.driver is not None
    drive.driver.type = None
    [shown] = migratable_form(domain).devices.disks
    assert shown.driver is not None
    assert (shown.driver.type, drive.driver.type) == ("raw", None)


def test_migratable_form_keeps_what_was_chosen() -> None:
    domain = define("<controller type='usb' model='qemu-xhci'/><audio id='1' type='file'/>")
    devices = migratable_form(domain).devices
    assert [c.model for c in devices.controllers] == ["qemu-xhci"]
    assert [a.type for a in devices.audios] == ["file"]
