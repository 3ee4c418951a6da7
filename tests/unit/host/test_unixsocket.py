# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sockets at long paths."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from virtd.host import unixsocket


def test_a_path_that_is_too_long_for_the_kernel(tmp_path: Path):
    path = tmp_path / ("x" * 100) / ("y" * 60)
    path.parent.mkdir()
    path.write_text("in the way")
    with unixsocket.listen(path) as server, socket.socket(socket.AF_UNIX) as client:
        with pytest.raises(OSError, match="path too long"):
            client.connect(str(path))
        with unixsocket.short_name(path) as name:
            client.connect(name)
        client.send(b"hello")
        found, _ = server.accept()
        with found:
            assert found.recv(10) == b"hello"


def test_a_folder_that_is_not_there(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        unixsocket.listen(tmp_path / "none" / "socket")
