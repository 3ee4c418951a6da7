# SPDX-License-Identifier: LGPL-2.1-or-later
"""Durable writes: whole or not at all, and nothing beside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from virtd.store import files


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a/b/guest.xml"
    files.write_atomic(path, b"old")
    files.write_atomic(path, b"new", mode=0o644)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(path.parent) == ["guest.xml"]


def test_file_and_folder_are_synced_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seen = tmp_path / "guest.xml", []

    def note(fd: int) -> None:
        seen.append((os.path.isdir(f"/proc/self/fd/{fd}"), path.exists()))

    monkeypatch.setattr(os, "fsync", note)
    files.write_atomic(path, b"x", durable=False)
    assert seen == []
    path.unlink()
    files.write_atomic(path, b"x")
    assert seen == [(False, False), (True, True)]


@pytest.mark.parametrize("call", ["fsync", "rename", "write"])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "guest.xml"
    files.write_atomic(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write_atomic(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["guest.xml"]


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_serial", iter([7]))
    (tmp_path / f".new-{os.getpid()}-7").write_bytes(b"half")
    files.write_atomic(tmp_path / "guest.xml", b"whole")
    assert os.listdir(tmp_path) == ["guest.xml"]


def test_set_aside_keeps_the_content(tmp_path: Path) -> None:
    path = tmp_path / "guest.xml"
    path.write_bytes(b"<broken")
    aside = files.set_aside(path, "not well-formed")
    assert not path.exists()
    assert aside.read_bytes() == b"<broken"


def test_remove_says_whether_it_was_there(tmp_path: Path) -> None:
    files.write_atomic(tmp_path / "x", b"")
    assert files.remove(tmp_path / "x")
    assert not files.remove(tmp_path / "x")


def test_a_link_is_replaced(tmp_path: Path) -> None:
    for target in ("one", "two"):
        files.symlink(tmp_path / target, tmp_path / "auto/link")
    assert os.readlink(tmp_path / "auto/link") == str(tmp_path / "two")
