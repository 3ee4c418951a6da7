# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever is killed, daemon, controller or init: what the next look shows is true, and nothing stays behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.common.process import start_ticks
from tests.integration.containers import BUSYBOX, Containers, daemon

pytestmark = pytest.mark.skipif(not os.path.exists(BUSYBOX), reason="needs busybox-static")

BRIDGE = f"vtk{os.getpid() % 100000}"
CARD = f"<interface type='bridge'><source bridge='{BRIDGE}'/></interface>"
#: How often a daemon is killed while it starts a container.
ROUNDS = 8


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    yield
    subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


@pytest.fixture
def containers() -> Iterator[Containers]:
    yield from daemon()


def ports() -> list[str]:
    return os.listdir(f"/sys/class/net/{BRIDGE}/brif")


def running(containers: Containers, name: str) -> tuple[int, int]:
    """Define and start a container with a network; returns its controller and init."""
    containers.virsh("define", str(containers.write(name, "sleep 5000 &", CARD)))
    containers.virsh("start", name)
    assert len(ports()) == 1
    return containers.pids(name)


def nothing_left(containers: Containers, name: str) -> None:
    """The kernel takes network devices away a little later than the namespace that held them."""
    containers.wait_gone(name)
    deadline = time.monotonic() + 5
    while ports() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ports() == []


def test_init_killed(containers: Containers):
    _, init = running(containers, "box")
    os.kill(init, signal.SIGKILL)
    containers.wait_for("box", "shut off (shutdown)")
    nothing_left(containers, "box")


def test_controller_killed(containers: Containers):
    controller, init = running(containers, "box")
    os.kill(controller, signal.SIGKILL)
    containers.wait_for("box", "shut off (crashed)")
    assert start_ticks(init) is None
    nothing_left(containers, "box")


def test_daemon_killed(containers: Containers):
    before = running(containers, "box")
    containers.restart(signal.SIGKILL)
    assert containers.state("box") == "running (booted)"
    assert containers.pids("box") == before
    containers.virsh("destroy", "box")
    nothing_left(containers, "box")


@pytest.mark.parametrize("victim", [0, 1], ids=["controller", "init"])
def test_killed_while_no_daemon_watches(containers: Containers, victim: int):
    pids = running(containers, "box")
    containers.stop(signal.SIGKILL)
    os.kill(pids[victim], signal.SIGKILL)
    containers.start()
    assert containers.virsh("domstate", "box") == "shut off"
    assert [start_ticks(pid) for pid in pids] == [None, None]
    nothing_left(containers, "box")
    containers.virsh("start", "box")
    containers.virsh("destroy", "box")


def test_a_stopped_controller_does_not_keep_a_container_alive(containers: Containers):
    controller, _ = running(containers, "box")
    os.kill(controller, signal.SIGSTOP)
    containers.virsh("destroy", "box")
    nothing_left(containers, "box")


def test_daemon_killed_while_it_starts_a_container(containers: Containers):
    """At any moment of a start: what the next daemon says is how it is."""
    containers.virsh("define", str(containers.write("box", "sleep 5000 &", CARD)))
    chance = random.Random(4)
    for _ in range(ROUNDS):
        client = subprocess.Popen(
            ["virsh", "-q", "-c", containers.uri, "start", "box"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(0.015 + chance.random() * 0.06)
        containers.stop(signal.SIGKILL)
        client.wait()
        containers.start()
        if containers.virsh("domstate", "box") == "running":
            assert containers.inside("box", "/bin/echo", "alive") == "alive"
            containers.virsh("destroy", "box")
        nothing_left(containers, "box")


def test_controllers_are_born_again_after_their_nursery_was_killed(containers: Containers):
    controller, _ = running(containers, "box")
    (nursery,) = (int(pid) for pid in _children(containers) if "nursery" in _command(pid))
    os.kill(nursery, signal.SIGKILL)
    assert start_ticks(controller) is not None
    containers.virsh("destroy", "box")
    containers.virsh("start", "box")
    containers.virsh("destroy", "box")
    nothing_left(containers, "box")


def _children(containers: Containers) -> list[str]:
    assert containers.process is not None
    return [
        pid
        for t in Path(f"/proc/{containers.process.pid}/task").iterdir()
        for pid in (t / "children").read_text().split()
    ]


def _command(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()
