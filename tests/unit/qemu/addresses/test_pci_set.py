# SPDX-License-Identifier: LGPL-2.1-or-later
"""The PCI allocator alone, with numbers instead of devices."""

import pytest

from drivers.qemu.addresses.pci import PciAddress, PciAddressSet
from drivers.qemu.addresses.pci_buses import BUS_KINDS, Bus, Connect
from virtd.errors import Code, VirtError

PCI = Connect.PCI_DEVICE | Connect.AUTOASSIGN
PCIE = Connect.PCIE_DEVICE | Connect.AUTOASSIGN
PORT = BUS_KINDS["pcie-root-port"].needs


def buses(*models: str) -> list[Bus]:
    return [Bus.of_model(model) for model in models]


def test_slots_of_a_conventional_root_in_order() -> None:
    addresses = PciAddressSet(buses("pci-root"))
    addresses.reserve(PciAddress(0, 2), PCI, from_config=True)
    assert [addresses.reserve_next(PCI).slot for _ in range(3)] == [1, 3, 4]


def test_a_released_slot_is_found_again() -> None:
    addresses = PciAddressSet(buses("pci-root"))
    first = addresses.reserve_next(PCI)
    addresses.reserve_next(PCI)
    addresses.release(first)
    assert addresses.reserve_next(PCI) == first


def test_root_ports_share_a_slot_and_a_ninth_takes_the_next() -> None:
    addresses = PciAddressSet(buses("pcie-root"))
    places = [addresses.reserve_next(PORT) for _ in range(9)]
    assert [(p.slot, p.function) for p in places] == [(1, n) for n in range(8)] + [(2, 0)]


def test_an_express_device_needs_a_port() -> None:
    addresses = PciAddressSet(buses("pcie-root"), growing=True)
    assert addresses.reserve_next(PCIE) == PciAddress(1, 0)
    assert [bus.model for bus in addresses.buses] == ["pcie-root", "pcie-root-port"]


def test_a_conventional_device_on_express_needs_a_bridge() -> None:
    addresses = PciAddressSet(buses("pcie-root"), growing=True)
    assert addresses.reserve_next(PCI) == PciAddress(2, 1)
    assert [bus.model for bus in addresses.buses[1:]] == ["pcie-root-port", "pcie-to-pci-bridge"]


def test_only_a_slot_that_takes_hotplug_is_given_to_a_hotplugged_device() -> None:
    addresses = PciAddressSet([*buses("pcie-root"), Bus.of_model("pcie-root-port", hotplug=False)])
    assert addresses.next_free(PCIE) == PciAddress(1, 0)
    with pytest.raises(VirtError, match="No more available PCI slots"):
        addresses.next_free(PCIE | Connect.HOTPLUGGABLE)


def test_without_that_bridge_an_older_pair_is_used() -> None:
    addresses = PciAddressSet(buses("pcie-root"), growing=True, pcie_to_pci=False)
    assert addresses.reserve_next(PCI) == PciAddress(2, 1)
    assert [bus.model for bus in addresses.buses[1:]] == ["dmi-to-pci-bridge", "pci-bridge"]


def test_a_full_conventional_root_grows_a_bridge() -> None:
    addresses = PciAddressSet(buses("pci-root"), growing=True)
    for _ in range(31):
        addresses.reserve_next(PCI)
    assert addresses.reserve_next(PCI) == PciAddress(1, 1)


def test_no_room_without_growing() -> None:
    addresses = PciAddressSet(buses("pcie-root"))
    with pytest.raises(VirtError, match="No more available PCI slots") as caught:
        addresses.reserve_next(PCIE)
    assert caught.value.code == Code.INTERNAL_ERROR


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (PciAddress(0, 1, domain=1), "0001:00:01.0. Only PCI domain 0 is available"),
        (PciAddress(9, 1), "0000:09:01.0. Only PCI buses up to 1 are available"),
        (PciAddress(0, 0), "0000:00:00.0. slot must be >= 1"),
        (PciAddress(1, 1), "0000:01:01.0. slot must be <= 0"),
    ],
)
def test_addresses_that_do_not_exist(address: PciAddress, message: str) -> None:
    addresses = PciAddressSet(buses("pcie-root", "pcie-root-port"))
    with pytest.raises(VirtError, match=f"Invalid PCI address {message}") as caught:
        addresses.reserve(address, PCIE, from_config=True)
    assert caught.value.code == Code.XML_ERROR


def test_a_port_does_not_go_on_a_conventional_bus() -> None:
    addresses = PciAddressSet(buses("pci-root"))
    with pytest.raises(VirtError, match=r"0000:00:03.0 cannot be plugged .* index='0'. .* accepts a pcie-root-port\."):
        addresses.reserve(PciAddress(0, 3), PORT, from_config=True)


def test_a_user_may_mix_conventional_and_express_endpoints() -> None:
    addresses = PciAddressSet(buses("pcie-root"))
    addresses.reserve(PciAddress(0, 3), PCI, from_config=True)
    assert addresses.functions(0, 3) == 1


def test_an_address_is_used_once() -> None:
    addresses = PciAddressSet(buses("pci-root"))
    addresses.reserve(PciAddress(0, 3), PCI, from_config=True)
    with pytest.raises(VirtError, match=r"Attempted double use of PCI Address 0000:00:03\.0"):
        addresses.reserve(PciAddress(0, 3), PCI, from_config=True)


def test_integrated_devices_belong_to_bus_0() -> None:
    addresses = PciAddressSet(buses("pci-root", "pci-bridge"))
    with pytest.raises(VirtError, match="needs to be an integrated device"):
        addresses.reserve(PciAddress(1, 1), Connect.PCI_DEVICE | Connect.INTEGRATED, from_config=True)
