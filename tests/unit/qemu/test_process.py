# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes: started apart, found again, never mixed up, ended."""

import os
import signal
from pathlib import Path

import pytest

from drivers.qemu.logfile import LogFile
from drivers.qemu.process import Process, find_by_argument, start_ticks
from virtd.errors import VirtError


async def spawn(*argv: str, output: Path, fds: tuple[int, ...] = ()) -> Process:
    with open(output, "ab") as log:
        return await Process.spawn(argv, environment={}, descriptors=fds, output=log.fileno(), account=None)


async def test_a_process_lives_in_a_session_of_its_own_and_its_end_is_told(tmp_path):
    process, told = await spawn("/bin/sleep", "60", output=tmp_path / "log"), []
    try:
        process.on_end(lambda: told.append(True))
        assert os.getsid(process.pid) == process.pid
    finally:
        await process.terminate(force=False)
        process.close()
    assert process.ended
    assert told == [True]


async def test_its_words_go_to_its_log_and_descriptors_keep_their_numbers(tmp_path):
    read, write = os.pipe()
    process = await spawn(
        "/bin/sh", "-c", f"echo hello; echo through >/proc/self/fd/{write}", output=tmp_path / "log", fds=(write,)
    )
    assert await process.wait(10)
    process.close()
    os.close(write)
    assert os.read(read, 100) == b"through\n"
    os.close(read)
    assert (tmp_path / "log").read_text() == "hello\n"


async def test_one_that_does_not_obey_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("drivers.common.process.TERM_SECONDS", 0.2)
    ready = tmp_path / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do sleep 0.05; done"
    process = await spawn("/bin/sh", "-c", script, output=tmp_path / "log")
    while not ready.exists():
        assert not await process.wait(0.01)
    with pytest.raises(VirtError, match="with SIGTERM: Device or resource busy"):
        await process.terminate(force=False)
    await process.terminate(force=True)
    assert process.ended
    process.close()


async def test_a_pid_that_was_given_to_another_is_not_taken_for_ours(tmp_path):
    process = await spawn("/bin/sleep", "60", output=tmp_path / "log")
    assert Process.adopt(process.pid, process.started + 1) is None
    again = Process.adopt(process.pid, process.started)
    assert again is not None
    again.send(signal.SIGKILL)
    assert await again.wait(10)
    assert await process.wait(10)
    again.close()
    process.close()
    assert start_ticks(process.pid) is None
    assert Process.adopt(process.pid, process.started) is None


async def test_a_process_is_found_by_what_only_it_was_told(tmp_path):
    mark = f"{tmp_path}/master-key.aes"
    assert find_by_argument(mark) is None
    process = await spawn("/bin/sh", "-c", "sleep 60; :", mark, output=tmp_path / "log")
    try:
        assert find_by_argument(mark) == process.pid
    finally:
        await process.terminate(force=True)
        process.close()


async def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(VirtError, match=r"Failed to start QEMU: /no/such/qemu: No such file"):
        await spawn("/no/such/qemu", output=tmp_path / "log")


def test_the_log_shows_the_command_as_a_shell_takes_it_and_gives_back_qemus_words(tmp_path):
    log = LogFile(tmp_path / "logs" / "guest.log")
    fd = log.open()
    start = log.begin(fd, "virtd version: 1", "7.2.0", {"LC_ALL": "C"}, ["/usr/bin/qemu", "-S", "-name", "guest=a b"])
    os.write(fd, b"char device redirected to /dev/pts/1 (label x)\nqemu: no such thing\n")
    os.close(fd)
    head = log.path.read_text()
    assert "starting up virtd version: 1, qemu version: 7.2.0, kernel: " in head
    assert "LC_ALL=C \\\n/usr/bin/qemu \\\n-S \\\n-name 'guest=a b'\n" in head
    assert log.words_since(start) == "qemu: no such thing"
