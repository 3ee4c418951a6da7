# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as a process: options, readiness, signals, idle timeout, who may be beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.client import WireClient

TIMEOUT = 20.0


class Process:
    """A daemon below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.socket = root / "run/libvirt/libvirt-sock"
        self.pid_file = root / "run/libvirtd.pid"
        self.running: list[subprocess.Popen[str]] = []

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "virtd", "--root", str(self.root), *options],
            env=os.environ | environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def serve(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start, and wait until it listens."""
        process = self.start(*options, **environment)
        deadline = time.monotonic() + TIMEOUT
        while not self.socket.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.communicate()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Process]:
    daemon = Process(tmp_path)
    yield daemon
    daemon.end()


def test_it_serves_until_it_is_told_to_end(daemon: Process) -> None:
    process = daemon.serve()
    for name, mode in (("libvirt-sock", 0o777), ("libvirt-sock-ro", 0o777), ("libvirt-admin-sock", 0o700)):
        path = daemon.socket.parent / name
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert daemon.pid_file.read_text() == f"{process.pid}\n"
    process.terminate()
    assert process.wait(TIMEOUT) == 0
    assert not daemon.socket.exists()
    assert not daemon.pid_file.exists()


@pytest.mark.parametrize("loop", ["0", "1"])
async def test_a_client_is_served_on_either_loop(daemon: Process, loop: str, tmp_path: Path) -> None:
    config = tmp_path / "my.conf"
    config.write_text(f"uvloop = {loop}\n")
    process = daemon.serve("-f", str(config))
    async with await WireClient.connect(daemon.socket).open("test:///default") as client:
        assert await client.call("CONNECT_GET_URI") == "test:///default"
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(client.closed.wait(), TIMEOUT)
    assert process.wait(TIMEOUT) == 0


def test_it_leaves_when_nobody_needs_it(daemon: Process) -> None:
    process = daemon.serve("-t", "1")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(daemon.socket))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)
    assert process.wait(TIMEOUT) == 0


def test_two_do_not_share_a_root(daemon: Process) -> None:
    daemon.serve()
    second = daemon.start()
    _, error = second.communicate(timeout=TIMEOUT)
    assert second.returncode == 1
    assert f"Failed to acquire pid file '{daemon.pid_file}'" in error


def test_a_killed_daemon_is_no_obstacle(daemon: Process) -> None:
    process = daemon.serve()
    process.kill()
    process.wait()
    assert daemon.socket.exists()
    again = daemon.start()
    deadline = time.monotonic() + TIMEOUT
    while daemon.pid_file.read_text() != f"{again.pid}\n" and time.monotonic() < deadline:
        time.sleep(0.01)
    again.terminate()
    assert again.wait(TIMEOUT) == 0


def test_in_the_background(daemon: Process, tmp_path: Path) -> None:
    pid_file = tmp_path / "other.pid"
    command = daemon.start("-d", "-p", str(pid_file), "-t", "1")
    assert command.wait(TIMEOUT) == 0
    assert daemon.socket.exists()  # it was ready before the command ended
    pid = int(pid_file.read_text())
    assert os.getsid(pid) not in (0, os.getsid(0))
    deadline = time.monotonic() + TIMEOUT
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not pid_file.exists()


def test_a_background_daemon_that_fails_says_so(daemon: Process, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/libvirt").touch()  # where a folder should be
    assert daemon.start("-d").wait(TIMEOUT) == 1
    assert "run/libvirt" in (tmp_path / "var/log/libvirt/virtd.log").read_text()


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (["--listen"], 1, "TCP and TLS are not supported"),
        (["-f", "/no/such/file"], 1, "no such configuration file: /no/such/file"),
        (["-f", "/"], 1, "no such configuration file: /"),
        (["-t", "0"], 2, "argument -t/--timeout: '0' is not a number of seconds above 0"),
        (["-t", "soon"], 2, "'soon' is not a number of seconds above 0"),
        (["-t", "9" * 20], 2, "is not a number of seconds above 0"),
        (["--root", ""], 2, "argument --root: the name is empty"),
        (["--root", "/dev/null"], 1, "/dev/null/etc/libvirt/libvirtd.conf': Not a directory"),
    ],
)
def test_options_that_are_refused(daemon: Process, options: list[str], status: int, text: str) -> None:
    process = daemon.start(*options)
    _, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == status
    assert text in error


def test_the_version_names_both(daemon: Process, capfd: pytest.CaptureFixture[str]) -> None:
    assert daemon.start("--version").wait(TIMEOUT) == 0
    assert capfd.readouterr().out.endswith("(libvirt 9.0.0)\n")


def test_an_error_in_the_configuration(daemon: Process, tmp_path: Path) -> None:
    (tmp_path / "etc/libvirt").mkdir(parents=True)
    (tmp_path / "etc/libvirt/libvirtd.conf").write_text("\nmax_clients = -1\n")
    process = daemon.start()
    _, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert f"{tmp_path}/etc/libvirt/libvirtd.conf:2: max_clients:" in error


def test_the_service_manager_hears_of_it(daemon: Process, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(TIMEOUT)
        process = daemon.serve(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="100000")
        heard = {manager.recv(100) for _ in range(3)}
        assert heard == {b"READY=1", b"WATCHDOG=1"}
        process.send_signal(signal.SIGHUP)
        process.terminate()
        while manager.recv(100) != b"STOPPING=1":
            pass
    assert process.wait(TIMEOUT) == 0
