# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest with a block job, and its QEMU."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.block_house import House, Qemu
from tests.fakes.qmp_server import FakeQmpServer


@pytest.fixture
async def qemu(tmp_path: Path) -> AsyncIterator[Qemu]:
    async with FakeQmpServer(tmp_path / "qmp") as server:
        yield Qemu(server)


@pytest.fixture
async def house(tmp_path: Path, qemu: Qemu) -> AsyncIterator[House]:
    found = House(tmp_path)
    await found.connect(qemu.server.path)
    yield found
    await found.close()
