# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that may be missing when a guest starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.domain.devices.disk import Disk, DiskDriver, DiskTarget
from conf.domain.devices.storage_source import StorageSource
from drivers.qemu.block.presence import Missing, drop_missing


def disk(path: str, device: str, policy: str | None) -> Disk:
    return Disk.model_validate(
        {
            "device": device,
            "alias": "a",
            "driver": DiskDriver(name="qemu", type="raw"),
            "source": StorageSource.model_validate({"file": path, "startup_policy": policy}),
            "target": DiskTarget(dev="sda", bus="sata"),
        }
    )


@pytest.mark.parametrize("device", ["cdrom", "floppy"])
async def test_a_drive_stays_without_its_medium(device: str) -> None:
    disks = [disk("/missing", device, "optional")]
    assert await drop_missing(disks) == [Missing("/missing", "a", 0)]
    assert disks[0].source is None
    assert disks[0].driver is not None
    assert disks[0].driver.type is None


async def test_a_disk_is_left_out() -> None:
    disks = [disk("/missing", "disk", "optional")]
    assert await drop_missing(disks) == [Missing("/missing", "a", 1)]
    assert disks == []


@pytest.mark.parametrize("policy", [None, "mandatory", "requisite"])
async def test_other_policies_are_for_others_to_refuse(policy: str | None) -> None:
    disks = [disk("/missing", "cdrom", policy)]
    assert await drop_missing(disks) == []
    assert disks[0].source is not None


async def test_what_is_there_stays(tmp_path: Path) -> None:
    disks = [disk(str(tmp_path), "cdrom", "optional")]
    assert await drop_missing(disks) == []
    assert disks[0].source is not None
