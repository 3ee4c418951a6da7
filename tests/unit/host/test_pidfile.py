# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pid file and its lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from virtd.host.pidfile import PidFile


def test_a_lock_on_a_file_that_an_ending_daemon_removed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, locks = tmp_path / "pid", fcntl.lockf, 0

    def lock(fd: int, how: int) -> None:
        nonlocal locks
        locks += 1
        if locks == 1:
            path.unlink()
        real(fd, how)

    monkeypatch.setattr(fcntl, "lockf", lock)
    found = PidFile(path)
    assert path.read_text() == f"{os.getpid()}\n"
    assert locks == 2
    found.close()
    assert not path.exists()
