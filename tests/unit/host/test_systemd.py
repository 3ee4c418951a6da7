# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is said to a service manager and taken from it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from virtd.host import systemd

TAKE_SOCKETS = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
from virtd.host import systemd
found = systemd.inherited_sockets()
print({name: sock.getsockname() for name, sock in found.items()})
print(any(os.get_inheritable(sock.fileno()) for sock in found.values()), systemd.inherited_sockets())
"""


def test_words_arrive_at_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        systemd.notify("READY=1", "STATUS=fine")
        assert manager.recv(100) == b"READY=1\nSTATUS=fine"


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"virtd-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        systemd.notify("STOPPING=1")
        assert manager.recv(100) == b"STOPPING=1"


def test_a_manager_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    systemd.notify("READY=1")
    assert "does not hear of READY=1" in caplog.text


def test_without_a_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.notify("READY=1")


def test_the_watchdog_hears_twice_a_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert systemd.watchdog_interval() == 5
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert systemd.watchdog_interval() is None


def test_sockets_come_by_name_and_once(tmp_path: Path) -> None:
    """In a process of its own, for the descriptors have fixed numbers."""
    listeners = []
    for name in ("a", "b"):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(tmp_path / name))
        listener.listen()
        listeners.append(listener)

    def place() -> None:
        for target, listener in enumerate(listeners, 3):
            os.dup2(listener.fileno(), target + 40)
        for target in (3, 4):
            os.dup2(target + 40, target)

    environment = os.environ | {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "virtd.socket:virtd-ro.socket"}
    output = subprocess.run(
        [sys.executable, "-c", TAKE_SOCKETS],
        env=environment,
        preexec_fn=place,
        close_fds=False,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for listener in listeners:
        listener.close()
    expected = {"virtd.socket": str(tmp_path / "a"), "virtd-ro.socket": str(tmp_path / "b")}
    assert output == f"{expected}\nFalse {{}}\n"
