# SPDX-License-Identifier: LGPL-2.1-or-later
"""An LXC driver without containers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.containers import Containers


@pytest.fixture
async def containers(tmp_path: Path) -> AsyncIterator[Containers]:
    """An empty driver."""
    async with Containers(tmp_path) as containers:
        yield containers
