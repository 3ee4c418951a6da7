# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtio-serial ports, CCW numbers and the names of disks."""

import pytest

from drivers.common.disk_names import disk_index
from drivers.qemu.addresses.ccw_devnos import CcwAddress, CcwAddressSet
from drivers.qemu.addresses.virtio_serial_ports import VirtioSerialPorts
from virtd.errors import VirtError


@pytest.mark.parametrize(
    ("name", "index"), [("sda", 0), ("vdz", 25), ("hdaa", 26), ("xvdba", 52), ("fdb1", 1), ("sda10", 0), ("sda0", 0)]
)
def test_disk_names(name: str, index: int) -> None:
    assert disk_index(name) == index


@pytest.mark.parametrize("name", ["", "sd", "sdA", "nvme0n1", "sda01", "sda1x", "mydisk"])
def test_names_that_are_none(name: str) -> None:
    assert disk_index(name) is None


def test_virtio_serial_channels_leave_port_0_to_a_console() -> None:
    ports = VirtioSerialPorts()
    ports.add_controller(0, 3)
    assert ports.reserve_next(allow_zero=False) == (0, 1)
    assert ports.reserve_next(allow_zero=True) == (0, 0)
    assert ports.reserve_next(allow_zero=False) == (0, 2)
    assert ports.reserve_next(allow_zero=False) is None
    assert ports.next_controller == 1


def test_virtio_serial_ports_that_cannot_be() -> None:
    ports = VirtioSerialPorts()
    ports.add_controller(0, 5)
    ports.reserve(0, 1)
    for controller, port, message in ((1, 1, "1 is missing"), (0, 5, "does not have port 5"), (0, 1, "occupied")):
        with pytest.raises(VirtError, match=message):
            ports.reserve(controller, port)


def test_ccw_numbers() -> None:
    numbers = CcwAddressSet()
    numbers.reserve(CcwAddress(0xFE, 0, 1))
    assert [str(numbers.reserve_next()) for _ in range(2)] == ["fe.0.0000", "fe.0.0002"]
    numbers.release(CcwAddress(0xFE, 0, 0))
    assert str(numbers.reserve_next()) == "fe.0.0000"
    with pytest.raises(VirtError, match=r"'fe\.0\.0001' is in use already"):
        numbers.reserve(CcwAddress(0xFE, 0, 1))
