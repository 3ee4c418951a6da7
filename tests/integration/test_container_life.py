# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container's life as virsh sees it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.containers import BUSYBOX, Containers, daemon

pytestmark = pytest.mark.skipif(not os.path.exists(BUSYBOX), reason="needs busybox-static")

TELL = "exec 3>/told; {} >&3 2>&3; touch /done"


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    yield from daemon()


@pytest.fixture
def restarted() -> Iterator[Containers]:
    """A daemon of the test's own, to be restarted."""
    yield from daemon()


def test_start_pause_and_stop(containers: Containers):
    containers.virsh("define", str(containers.write("one")))
    containers.virsh("start", "one")
    assert containers.state("one") == "running (booted)"
    controller, init = containers.pids("one")
    assert os.getsid(controller) == controller
    containers.virsh("suspend", "one")
    assert containers.state("one") == "paused (user)"
    containers.virsh("resume", "one")
    assert containers.state("one") == "running (unpaused)"
    containers.virsh("destroy", "one")
    assert containers.state("one") == "shut off (destroyed)"
    assert containers.left("one") == []
    assert not os.path.exists(f"/proc/{init}")


def test_a_paused_container_can_be_destroyed(containers: Containers):
    containers.create("frozen")
    containers.virsh("suspend", "frozen")
    containers.virsh("destroy", "frozen")
    assert containers.left("frozen") == []


def test_init_has_libvirts_environment(containers: Containers):
    script = TELL.format("env")
    containers.create("environ", script, os_extra="<initenv name='COLOUR'>blue</initenv><cmdline>quiet x=1</cmdline>")
    variables = dict(line.split("=", 1) for line in containers.told("environ").splitlines())
    uuid = containers.virsh("domuuid", "environ")
    expected = {
        "PATH": "/bin:/sbin",
        "TERM": "linux",
        "HOME": "/",
        "container": "lxc-libvirt",
        "container_uuid": uuid,
        "LIBVIRT_LXC_UUID": uuid,
        "LIBVIRT_LXC_NAME": "environ",
        "LIBVIRT_LXC_CMDLINE": "quiet x=1",
        "COLOUR": "blue",
    }
    assert variables | expected == variables
    containers.virsh("destroy", "environ")


def test_init_that_exits_shuts_the_guest_off(containers: Containers):
    containers.virsh("define", str(containers.write("brief", "sleep 0.5; exit 3")))
    containers.virsh("start", "brief")
    containers.wait_for("brief", "shut off (shutdown)")
    assert containers.left("brief") == []


def test_init_that_exits_at_once(containers: Containers):
    path = containers.write("hasty")
    path.write_text(path.read_text().replace("/init.sh", "/bin/true"))
    for _ in range(5):
        containers.virsh("create", str(path))
        containers.wait_gone("hasty")


def test_an_init_that_cannot_run_is_told(containers: Containers):
    path = containers.write("broken")
    path.write_text(path.read_text().replace("/init.sh", "/missing"))
    assert "cannot find init path '/missing' relative to container root: No such file or directory" in containers.fails(
        "create", str(path)
    )
    assert containers.left("broken") == []


def test_shutdown_asks_init(containers: Containers):
    containers.virsh("define", str(containers.write("asked", "touch /done")))
    containers.virsh("start", "asked")
    containers.told_ready("asked")
    containers.virsh("shutdown", "asked")
    containers.wait_for("asked", "shut off (shutdown)")


def test_shutdown_by_initctl(containers: Containers):
    script = (
        "mkfifo /run/initctl; exec 4<>/run/initctl; touch /done; dd bs=384 count=1 <&4 of=/order 2>/dev/null; exit 0"
    )
    containers.virsh("define", str(containers.write("sysv", script)))
    containers.virsh("start", "sysv")
    containers.told_ready("sysv")
    containers.virsh("shutdown", "--mode", "initctl", "sysv")
    containers.wait_for("sysv", "shut off (shutdown)")
    order = (containers.tree("sysv") / "order").read_bytes()
    assert order[:12] == bytes.fromhex("69190903 01000000 30000000")


def test_no_initctl_is_told(containers: Containers):
    containers.create("plain")
    assert "does not provide an initctl pipe" in containers.fails("shutdown", "--mode", "initctl", "plain")
    containers.virsh("destroy", "plain")


def test_reboot_from_within_starts_the_container_again(containers: Containers):
    containers.create("again", "echo x >>/starts; [ $(wc -l </starts) = 1 ] && { sleep 0.3; reboot -f; }; touch /done")
    containers.told_ready("again")
    assert (containers.tree("again") / "starts").read_text() == "x\nx\n"
    assert containers.virsh("domstate", "again") == "running"
    containers.virsh("destroy", "again")
    assert containers.left("again") == []


def test_virsh_reboot_starts_the_container_again(containers: Containers):
    containers.create("turn", "echo x >>/starts; touch /done")
    containers.told_ready("turn")
    before = containers.pids("turn")
    containers.virsh("reboot", "turn")
    deadline = time.monotonic() + 10
    while (containers.tree("turn") / "starts").read_text() == "x\n" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (containers.tree("turn") / "starts").read_text() == "x\nx\n"
    assert containers.virsh("domstate", "turn") == "running"
    assert not set(before) & set(containers.pids("turn"))
    containers.virsh("destroy", "turn")


def test_descriptors_of_a_client_for_init(containers: Containers, tmp_path: Path):
    path = containers.write("given", "echo through-3 >&3; echo through-4 >&4; touch /done")
    with open(tmp_path / "three", "w") as three, open(tmp_path / "four", "w") as four:
        fds = (three.fileno(), four.fileno())
        command = ["virsh", "-c", containers.uri, "create", str(path), "--pass-fds", ",".join(map(str, fds))]
        subprocess.run(command, pass_fds=fds, check=True, capture_output=True)
    containers.told_ready("given")
    assert [(tmp_path / name).read_text() for name in ("three", "four")] == ["through-3\n", "through-4\n"]
    containers.virsh("destroy", "given")


def test_a_restart_of_the_daemon_leaves_containers_alone(restarted: Containers):
    restarted.create("stays")
    before = restarted.pids("stays")
    restarted.restart()
    assert restarted.state("stays") == "running (booted)"
    assert restarted.pids("stays") == before
    restarted.virsh("suspend", "stays")
    restarted.restart()
    assert restarted.state("stays") == "paused (user)"
    restarted.virsh("resume", "stays")
    restarted.virsh("destroy", "stays")
    assert restarted.left("stays") == []


def test_what_ends_while_no_daemon_watches_is_noticed(restarted: Containers):
    restarted.virsh("define", str(restarted.write("unseen")))
    restarted.virsh("start", "unseen")
    _, init = restarted.pids("unseen")
    restarted.stop()
    os.kill(init, 9)
    restarted.start()
    assert restarted.virsh("domstate", "unseen") == "shut off"
    assert restarted.left("unseen") == []


def test_the_console_keeps_what_is_said_over_a_restart_of_the_daemon(restarted: Containers):
    restarted.create("speaks", "echo first-word >/dev/console; touch /done; read word; echo got-$word")
    restarted.told_ready("speaks")
    restarted.restart()
    _talk(restarted, "speaks", b"hello\n", after=b"first-word", until=b"got-hello")
    restarted.virsh("destroy", "speaks")


def test_a_container_never_waits_for_a_reader_of_its_console(containers: Containers):
    containers.create("chatty", "seq 1 30000; touch /done")
    containers.told_ready("chatty")
    containers.virsh("destroy", "chatty")


def _talk(containers: Containers, name: str, words: bytes, *, after: bytes, until: bytes) -> None:
    """Type into a container's console by virsh once it has said `after`, and wait until it says `until`."""
    ours, theirs = pty.openpty()
    client = subprocess.Popen(
        ["virsh", "-c", containers.uri, "console", name], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    said, typed, deadline = b"", False, time.monotonic() + 15
    try:
        while until not in said and time.monotonic() < deadline:
            if select.select([ours], [], [], 0.2)[0]:
                said += os.read(ours, 4096)
            if after in said and not typed:
                os.write(ours, words)
                typed = True
    finally:
        client.kill()
        client.wait()
        os.close(ours)
    assert until in said, said


def test_the_controller_is_small(containers: Containers):
    containers.create("small")
    controller, _ = containers.pids("small")
    with open(f"/proc/{controller}/smaps_rollup", encoding="ascii") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("Rss:"))
    assert resident <= 12 * 1024
    containers.virsh("destroy", "small")
