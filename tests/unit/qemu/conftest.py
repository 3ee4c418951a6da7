# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU driver without QEMU."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.guests import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An empty driver; its folder has a short name, as sockets need."""
    with tempfile.TemporaryDirectory(prefix="w") as folder:
        async with World(Path(folder)) as world:
            yield world
