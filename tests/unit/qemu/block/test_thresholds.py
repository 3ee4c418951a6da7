# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thresholds: QEMU's event becomes one for each name of the image."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.qemu.block.thresholds import Thresholds, set_threshold
from tests.fakes.block_house import House, Qemu
from virtd.enums import DomainEventID


def told(house: House, name: str = "BLOCK_WRITE_THRESHOLD", **data: Any) -> list[tuple[object, ...]]:
    house.told.clear()
    Thresholds().on_event(house.guest, name, {"write-threshold": 100, "amount-exceeded": 7} | data)
    return [args for id_, args in house.told if id_ == DomainEventID.BLOCK_THRESHOLD]


async def test_the_guests_image_has_two_names(house: House) -> None:
    assert told(house, **{"node-name": "libvirt-1-storage"}) == [("vda", "/old", 100, 7), ("vda[1]", "/old", 100, 7)]


async def test_a_copy_has_one(house: House) -> None:
    assert told(house, **{"node-name": "libvirt-2-storage"}) == [("vda[2]", "/new", 100, 7)]


@pytest.mark.parametrize(
    "data", [{}, {"node-name": "libvirt-9-storage"}, {"node-name": "libvirt-1-storage", "write-threshold": "x"}]
)
async def test_what_is_not_understood_is_no_event(house: House, data: dict[str, Any]) -> None:
    assert told(house, **data) == []


async def test_other_events_are_none(house: House) -> None:
    assert told(house, "BLOCK_JOB_READY", **{"node-name": "libvirt-1-storage"}) == []


async def test_one_that_was_set_by_number_is_told_by_number(house: House, qemu: Qemu) -> None:
    qemu.server.replies["block-set-write-threshold"] = {}
    for name, names in ("vda[1]", ["vda[1]"]), ("vda", ["vda", "vda[1]"]):
        await set_threshold(house.guest, name, 4096)
        data = {"node-name": "libvirt-1-storage", "write-threshold": 4096, "amount-exceeded": 5}
        house.told.clear()
        assert [event[0] for event in told(house, **data)] == names


async def test_setting_one(house: House, qemu: Qemu) -> None:
    qemu.server.replies["block-set-write-threshold"] = {}
    await set_threshold(house.guest, "vda", 4096)
    arguments = {"node-name": "libvirt-1-storage", "write-threshold": 4096}
    assert qemu.server.commands[-1] == ("block-set-write-threshold", arguments)
