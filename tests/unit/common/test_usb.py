# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB devices of the host."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from conf.domain.devices.hostdev import Hostdev
from conf.domain.devices.single import parse_device
from drivers.common import usb
from virtd.errors import VirtError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three devices, two of a kind, and an interface of one of them."""
    for name, vendor, product, bus, device in (
        ("1-1", "1234", "abcd", 1, 4),
        ("1-2", "1234", "0001", 1, 5),
        ("2-1", "1234", "0001", 2, 7),
    ):
        entry = tmp_path / name
        entry.mkdir()
        values = {"idVendor": vendor, "idProduct": product, "busnum": bus, "devnum": device}
        for file, value in values.items():
            (entry / file).write_text(f"{value}\n")
    (tmp_path / "1-1:1.0").mkdir()
    return tmp_path


def hostdev(source: str) -> Hostdev:
    xml = f"<hostdev mode='subsystem' type='usb'><source>{source}</source></hostdev>"
    return cast("Hostdev", parse_device(xml))


KIND = "<vendor id='0x1234'/><product id='{}'/>"


def test_by_kind(folder: Path):
    device = hostdev(KIND.format("0xabcd"))
    assert usb.resolve(device, folder).path == "/dev/bus/usb/001/004"
    assert device.source.usb is not None
    assert (device.source.usb.bus, device.source.usb.device) == (1, 4)


def test_by_place(folder: Path):
    assert usb.resolve(hostdev("<address bus='2' device='7'/>"), folder).product == 1


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (KIND.format("0x0001"), "Multiple USB devices for 1234:0001, use <address> to specify one"),
        (KIND.format("0x9999"), "Did not find USB device 1234:9999"),
        ("<address bus='9' device='9'/>", "Did not find USB device bus:9 device:9"),
    ],
)
def test_what_cannot_be_found(folder: Path, source: str, message: str):
    with pytest.raises(VirtError, match=message):
        usb.resolve(hostdev(source), folder)


def test_a_host_without_usb(tmp_path: Path):
    with pytest.raises(VirtError, match="cannot open directory"):
        usb.resolve(hostdev(KIND.format("0x0001")), tmp_path / "none")
