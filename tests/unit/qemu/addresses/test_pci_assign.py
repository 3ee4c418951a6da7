# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI addresses and controllers of whole definitions."""

from __future__ import annotations

import pytest

from conf.domain import Domain
from conf.domain.devices.address import PCIAddress
from conf.domain.devices.info import DeviceInfo
from drivers.qemu.addresses.pci_placement import PciPlacement
from tests.fakes.emulators import FakeEmulator, define
from virtd.errors import Code, VirtError

NIC = "<interface type='user'><model type='{}'/></interface>"
USB2 = "".join(f"<controller type='usb' model='ich9-{part}'/>" for part in ("ehci1", "uhci1", "uhci2", "uhci3"))


def disks(count: int) -> str:
    names = (f"vd{chr(97 + n // 26 - 1) if n > 25 else ''}{chr(97 + n % 26)}" for n in range(count))
    return "".join(f"<disk type='file'><source file='/{n}'/><target dev='{n}'/></disk>" for n in names)


def place(device: DeviceInfo | None) -> str:
    assert device is not None
    address = device.address
    assert isinstance(address, PCIAddress)
    return str(address)[5:] + ("+" if address.multifunction else "")


def controllers(domain: Domain, kind: str) -> list[tuple[str | None, str]]:
    return [
        (c.model, place(c))
        for c in domain.devices.controllers
        if c.type == kind and not (c.model or "").endswith("-root")
    ]


def test_i440fx_chipset_and_the_order_of_devices() -> None:
    domain = define(NIC.format("virtio") + disks(1) + "<sound model='ac97'/><video><model type='vga'/></video>")
    devices = domain.devices
    assert controllers(domain, "usb") == [("piix3-uhci", "00:01.2")]
    assert [place(d) for d in (*devices.videos, *devices.interfaces, *devices.sounds, *devices.disks)] == [
        "00:02.0",
        "00:03.0",
        "00:04.0",
        "00:05.0",
    ]
    assert place(devices.memballoon) == "00:06.0"


def test_slot_2_is_free_without_a_display_adapter() -> None:
    assert place(define(NIC.format("e1000")).devices.interfaces[0]) == "00:02.0"


def test_a_bridge_comes_while_there_is_a_slot_left_for_it() -> None:
    assert controllers(define(disks(28)), "pci") == []
    domain = define(disks(29))
    assert controllers(domain, "pci") == [("pci-bridge", "00:02.0")]
    assert place(domain.devices.memballoon) == "01:01.0"


def test_q35_gets_ports_and_a_spare_one() -> None:
    domain = define(machine="q35")
    assert controllers(domain, "sata") == [(None, "00:1f.2")]
    assert controllers(domain, "usb") == [("qemu-xhci", "01:00.0")]
    assert controllers(domain, "pci") == [
        ("pcie-root-port", "00:01.0+"),
        ("pcie-root-port", "00:01.1"),
        ("pcie-root-port", "00:01.2"),
    ]


def test_root_ports_are_numbered_by_slot_and_function() -> None:
    domain = define("<video><model type='virtio'/></video>", machine="q35")
    ports = [c for c in domain.devices.controllers if c.model == "pcie-root-port"]
    assert [(c.target.chassis, c.target.port) for c in ports if c.target] == [(1, 16), (2, 17), (3, 18)]
    assert {c.pci_model.name for c in ports if c.pci_model} == {"pcie-root-port"}


@pytest.mark.parametrize(
    ("machine", "devices"),
    [
        ("pc", disks(3) + "<video><model type='vga'/></video>"),
        ("q35", disks(12) + NIC.format("e1000e")),
        ("q35", NIC.format("e1000") + disks(2)),
        ("q35", USB2 + disks(1)),
        ("q35", "<controller type='pci' index='4' model='pcie-root-port'/>" + disks(6)),
        ("pc", disks(40)),
    ],
)
def test_a_trial_counts_only_where_placing_again_finds_the_same(
    monkeypatch: pytest.MonkeyPatch, machine: str, devices: str
) -> None:
    def places() -> list[str]:
        found = define(devices, machine=machine).devices
        return [str(d.address) for d in (*found.controllers, *found.disks, *found.interfaces, *found.videos)]

    as_it_is = places()
    monkeypatch.setattr(
        PciPlacement, "conclusive", property(lambda _self: False, lambda _self, _value: None), raising=False
    )
    assert places() == as_it_is


def test_no_spare_port_for_who_places_controllers_himself() -> None:
    domain = define("<controller type='pci' index='1' model='pcie-root-port'/>", machine="q35")
    assert len(controllers(domain, "pci")) == 2


def test_conventional_devices_on_q35_share_a_bridge() -> None:
    domain = define(NIC.format("rtl8139") + "<sound model='ac97'/>", machine="q35")
    assert controllers(domain, "pci")[:2] == [("pcie-root-port", "00:01.0+"), ("pcie-to-pci-bridge", "01:00.0")]
    assert [place(domain.devices.interfaces[0]), place(domain.devices.sounds[0])] == ["02:01.0", "02:02.0"]


def test_ich9_sound_and_usb_have_their_usual_slots() -> None:
    domain = define(USB2 + "<sound model='ich9'/>", machine="q35")
    assert place(domain.devices.sounds[0]) == "00:1b.0"
    assert [where for _, where in controllers(domain, "usb")] == ["00:1d.7", "00:1d.0+", "00:1d.1", "00:1d.2"]


def test_parts_of_a_usb_2_controller_share_a_slot_elsewhere_too() -> None:
    assert [where for _, where in controllers(define(USB2), "usb")] == ["00:02.7", "00:02.0+", "00:02.1", "00:02.2"]


def test_addresses_in_the_xml_are_kept() -> None:
    given = "<disk type='file'><source file='/a'/><target dev='vda'/><address type='pci' slot='9'/></disk>"
    domain = define(given + disks(0) + NIC.format("virtio"))
    assert [place(domain.devices.disks[0]), place(domain.devices.interfaces[0])] == ["00:09.0", "00:02.0"]


def test_a_missing_bus_is_added() -> None:
    given = "<rng model='virtio'><backend model='builtin'/><address type='pci' bus='2' slot='1'/></rng>"
    assert [model for model, _ in controllers(define(given), "pci")] == ["pci-bridge", "pci-bridge"]


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ("<controller type='ide'><address type='pci' slot='5'/></controller>", "Primary IDE controller must have"),
        (
            "<controller type='usb' model='piix3-uhci'><address type='pci' slot='5'/></controller>",
            "PIIX3 USB controller at index 0 must have PCI address 0:0:1.2",
        ),
    ],
)
def test_parts_of_the_chipset_stay_there(devices: str, message: str) -> None:
    with pytest.raises(VirtError, match=message) as caught:
        define(devices)
    assert caught.value.code == Code.INTERNAL_ERROR


def test_no_bus_no_devices() -> None:
    with pytest.raises(VirtError, match="No PCI buses available"):
        define(machine="isapc")


def test_older_bridges_without_the_new_one() -> None:
    domain = define(NIC.format("e1000"), machine="q35", emulator=FakeEmulator(lacks=frozenset({"pcie-pci-bridge"})))
    assert [model for model, _ in controllers(domain, "pci")][:2] == ["dmi-to-pci-bridge", "pci-bridge"]


def test_doing_it_again_changes_nothing() -> None:
    from drivers.qemu.defaults import prepare_definition

    domain = define(USB2 + disks(12) + NIC.format("rtl8139"), machine="q35")
    before = domain.model_copy(deep=True)
    prepare_definition(domain, FakeEmulator())
    assert domain == before


def test_an_added_bridge_takes_a_slot_as_well() -> None:
    assert len(controllers(define(disks(58)), "pci")) == 1
    # the second bridge pushes a disk from bus 0 to where no slot is left, and libvirt adds no third one
    with pytest.raises(VirtError, match="model='pci-bridge', but none is available"):
        define(disks(59))
    assert len(controllers(define(disks(60)), "pci")) == 2


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_there_are_256_buses(machine: str) -> None:
    with pytest.raises(VirtError) as caught:
        define("<controller type='pci' index='256' model='pci-bridge'/>", machine=machine)
    assert caught.value.code is Code.CONFIG_UNSUPPORTED
    assert caught.value.detail == "PCI controller index 256 too high, maximum is 255"


def test_more_ports_than_there_are_buses() -> None:
    with pytest.raises(VirtError, match="model='pcie-root-port', but none is available"):
        define("<interface type='user'><model type='virtio'/></interface>" * 260, machine="q35")


@pytest.mark.parametrize(("bus", "becomes"), [(1, "02"), (2, "02"), (4, "04")])
def test_a_conventional_bus_needs_a_way_from_express(bus: int, becomes: str) -> None:
    address = f"<address type='pci' bus='{bus}' slot='5'/>"
    domain = define(f"<interface type='user'><model type='rtl8139'/>{address}</interface>", machine="q35")
    assert place(domain.devices.interfaces[0]) == f"{becomes}:05.0"
    models = [model for model, _ in controllers(domain, "pci")]
    assert models[:2] == ["pcie-root-port", "pcie-to-pci-bridge"]
    assert models.count("pci-bridge") == max(0, bus - 2)


def test_parts_of_a_usb_2_controller_count_when_it_comes_to_more_buses() -> None:
    nics = NIC.format("rtl8139")
    assert len(controllers(define(USB2 + nics * 24), "pci")) == 0
    assert len(controllers(define(USB2 + nics * 25), "pci")) == 1


def test_a_function_alone_is_no_address() -> None:
    devices = "<rng model='virtio'><backend model='random'>/dev/random</backend>{}</rng>"
    empty = "<address type='pci' function='2' multifunction='on'/>"
    assert place(define(devices.format(empty)).devices.rngs[0]) == place(define(devices.format("")).devices.rngs[0])


def test_only_a_bridge_stands_behind_its_bus() -> None:
    given = "<controller type='pci' index='2' model='{}'><address type='pci' bus='{}' slot='{}'/></controller>"
    ports = "<controller type='pci' index='1' model='dmi-to-pci-bridge'/>"
    late = "<controller type='pci' index='3' model='dmi-to-pci-bridge'/>"
    assert define(given.format("pcie-root-port", 0, 9) + ports, machine="q35")
    with pytest.raises(VirtError, match="has bus='0x03', but index must be larger"):
        define(ports + given.format("pci-bridge", 3, 1) + late, machine="q35")
