# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon is killed at random moments of starts, ends and pauses: nothing is left over, nothing is forgotten."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.conftest import QEMU, Daemon


def processes(root: Path) -> list[int]:
    """QEMUs that belong to the daemon under `root`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if words.startswith(QEMU.encode()) and f"{root}/".encode() in words:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_after_a_kill_guest_and_files_agree(daemon: Daemon, seed: int):
    chance = random.Random(seed)
    daemon.define("chance")
    verb = chance.choice(["start", "destroy", "suspend"])
    if verb != "start":
        daemon.virsh("start", "chance")
    call = subprocess.Popen(
        ["virsh", "-q", "-c", daemon.uri, verb, "chance"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(chance.random() * 0.3)
    daemon.stop(signal.SIGKILL)
    call.wait(20)
    daemon.start()
    alive, files = processes(daemon.root), daemon.guests_files()
    if daemon.state("chance").startswith("shut off"):
        assert alive == []
        assert files == set()
    else:
        assert alive == [daemon.pid("chance")]
        assert "run/libvirt/qemu/chance.xml" in files
        daemon.virsh("destroy", "chance")
    assert not any(os.path.exists(f"/proc/{pid}/exe") for pid in processes(daemon.root))
