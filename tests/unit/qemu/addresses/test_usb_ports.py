# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB ports and hubs."""

import pytest

from drivers.qemu.addresses.usb_ports import UsbAddressSet, parse_port, port_text
from virtd.errors import Code, VirtError


@pytest.fixture
def usb() -> UsbAddressSet:
    addresses = UsbAddressSet()
    addresses.add_bus(0, 2)
    return addresses


def test_text_and_back() -> None:
    assert port_text(parse_port("1.3.2")) == "1.3.2"


def test_root_ports_come_before_those_of_hubs(usb: UsbAddressSet) -> None:
    usb.reserve(0, (1,))
    usb.add_hub(0, (1,))
    assert [usb.reserve_next() for _ in range(3)] == [(0, (2,)), (0, (1, 1)), (0, (1, 2))]


def test_next_bus_when_one_is_full(usb: UsbAddressSet) -> None:
    usb.add_bus(1, 4)
    assert [usb.reserve_next()[0] for _ in range(3)] == [0, 0, 1]
    assert usb.reserve_next(1) == (1, (2,))


def test_release_takes_the_hub_away(usb: UsbAddressSet) -> None:
    usb.reserve(0, (1,))
    usb.add_hub(0, (1,))
    usb.release(0, (1,))
    with pytest.raises(VirtError, match="there is no hub at port 1"):
        usb.reserve(0, (1, 1))


@pytest.mark.parametrize(
    ("bus", "port", "message"),
    [
        (1, (1,), "Missing USB bus 1"),
        (0, (3,), "requested USB port 3 not present on USB bus 0"),
        (0, (2, 1), "there is no hub at port 2 in USB address bus: 0 port: 2.1"),
        (0, (1,), "Duplicate USB address bus 0 port 1"),
    ],
)
def test_ports_that_cannot_be(usb: UsbAddressSet, bus: int, port: tuple[int, ...], message: str) -> None:
    usb.reserve(0, (1,))
    with pytest.raises(VirtError, match=message) as caught:
        usb.reserve(bus, port)
    assert caught.value.code == Code.XML_ERROR
