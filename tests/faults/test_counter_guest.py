# SPDX-License-Identifier: LGPL-2.1-or-later
"""The witness of the fault tests: does it notice a lost write?"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.faults.counter_guest import FIRST, SECTOR, SECTORS, acknowledged, lost, make_disk


def write(disk: Path, number: int) -> None:
    """As the guest does."""
    with disk.open("r+b") as file:
        file.seek((FIRST + number % SECTORS) * SECTOR)
        file.write(struct.pack("<I", number).ljust(SECTOR - 4, b"\0") + struct.pack("<I", number))


@pytest.fixture
def guest(tmp_path: Path) -> tuple[Path, Path]:
    """A guest's disk and what it printed, after 300 writes; it was printing the last one."""
    disk, log = tmp_path / "disk", tmp_path / "log"
    make_disk(disk)
    for number in range(1, 301):
        write(disk, number)
    log.write_text("".join(f"{n:08x}\n" for n in range(1, 300)) + "00000")
    return disk, log


def test_nothing_is_lost(guest: tuple[Path, Path]) -> None:
    disk, log = guest
    assert acknowledged(log) == list(range(44, 300))
    assert lost(log, disk) == []
    write(disk, 44 + SECTORS)  # newer than what was said
    assert lost(log, disk) == []


def test_a_lost_write_is_noticed(guest: tuple[Path, Path]) -> None:
    disk, log = guest
    write(disk, 299 - SECTORS)
    assert lost(log, disk) == [299]


def test_a_torn_write_is_noticed(guest: tuple[Path, Path]) -> None:
    disk, log = guest
    with disk.open("r+b") as file:
        file.seek((FIRST + 100) * SECTOR)
        file.write(struct.pack("<I", 1))
    assert lost(log, disk) == [100]
