# SPDX-License-Identifier: LGPL-2.1-or-later
"""Everything here kills a real daemon under a real QEMU."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

TOOLS = ("qemu-system-x86_64", "qemu-img")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    reason = "needs root" if os.geteuid() else f"needs {', '.join(missing)}" if missing else None
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(300))
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that has just been started on a busy machine takes its time."""
    monkeypatch.setattr("tests.fakes.client.TIMEOUT", 30.0)
