# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of real guests: plugged, pulled, on a bridge, on the screen."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.qemu.process import start_ticks
from tests.integration.conftest import Daemon

BRIDGE = "virtdtest0"


@pytest.fixture
def bridge() -> Iterator[str]:
    """A bridge of the host."""
    made = subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"no bridge can be made here: {made.stderr.decode()}")
    yield BRIDGE
    subprocess.run(["ip", "link", "del", BRIDGE], check=True)


def taps(bridge: str) -> list[str]:
    return os.listdir(f"/sys/class/net/{bridge}/brif")


def test_a_card_on_a_bridge_has_a_tap_while_the_guest_runs(shared: Daemon, bridge: str):
    mac = "52:54:00:12:34:56"
    card = (
        f"<interface type='bridge'><source bridge='{bridge}'/><mac address='{mac}'/><model type='virtio'/></interface>"
    )
    shared.define("bridged", card)
    shared.virsh("start", "bridged")
    (tap,) = taps(bridge)
    assert Path(f"/sys/class/net/{tap}/address").read_text().strip() == f"fe{mac[2:]}"
    assert f"<target dev='{tap}'/>" in shared.virsh("dumpxml", "bridged")
    assert (
        "<target dev="
        not in shared.virsh("dumpxml", "--inactive", "bridged").split("<interface")[1].split("</interface")[0]
    )
    assert "rx_bytes" in shared.virsh("domifstat", "bridged", tap)
    shared.virsh("attach-interface", "bridged", "bridge", bridge, "--model", "e1000e")
    assert len(taps(bridge)) == 2
    shared.virsh("destroy", "bridged")
    deadline = time.monotonic() + 5
    while taps(bridge) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert taps(bridge) == []


def test_a_bridge_that_is_not_there(shared: Daemon):
    shared.define("nobridge", "<interface type='bridge'><source bridge='nobridge0'/></interface>")
    assert "Cannot get interface MTU on 'nobridge0': No such device" in shared.fails("start", "nobridge")


def test_a_usb_disk_comes_and_goes_and_is_found_again(daemon: Daemon):
    image = daemon.bootable("stick.img")
    daemon.define("plugged")
    daemon.virsh("start", "plugged")
    daemon.virsh("attach-disk", "plugged", image, "sdz", "--targetbus", "usb", "--live")
    assert "sdz" in daemon.virsh("domblklist", "plugged")
    assert "usb-storage" in daemon.virsh("qemu-monitor-command", "plugged", "--hmp", "info qtree")
    daemon.restart()
    assert "sdz" in daemon.virsh("domblklist", "plugged")
    daemon.virsh("detach-disk", "plugged", "sdz", "--live")
    assert "sdz" not in daemon.virsh("domblklist", "plugged")
    assert "usb-storage" not in daemon.virsh("qemu-monitor-command", "plugged", "--hmp", "info qtree")


def test_a_medium_is_changed_under_the_guest(shared: Daemon):
    first, second = shared.bootable("one.iso"), shared.bootable("two.iso")
    shared.define(
        "media", f"<disk type='file' device='cdrom'><source file='{first}'/><target dev='sda' bus='sata'/></disk>"
    )
    shared.virsh("start", "media")
    shared.virsh("change-media", "media", "sda", second, "--live")
    assert second in shared.virsh("domblklist", "media")
    shared.virsh("change-media", "media", "sda", "--eject", "--live")
    assert second not in shared.virsh("domblklist", "media")
    shared.virsh("destroy", "media")


def test_a_picture_of_the_screen_keys_and_statistics(shared: Daemon):
    shared.define("seen")
    shared.virsh("start", "seen")
    picture = shared.root / "screen.png"
    shared.virsh("screenshot", "seen", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
    shared.virsh("send-key", "seen", "KEY_LEFTCTRL", "KEY_LEFTALT", "KEY_DELETE")
    statistics = shared.virsh("domstats", "seen")
    assert "vcpu.current=1" in statistics
    assert "balloon.rss=" in statistics
    shared.virsh("destroy", "seen")


def test_a_guest_bound_to_its_connection_ends_with_it(shared: Daemon):
    shared.define("bound")
    shared.virsh("start", "bound", "--autodestroy")
    shared.wait_for("bound", "shut off (destroyed)")


def test_a_daemon_that_ends_takes_bound_guests_along(daemon: Daemon):
    daemon.define("bound")
    with subprocess.Popen(
        ["virsh", "-q", "-c", daemon.uri], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as shell:
        assert shell.stdin is not None
        shell.stdin.write("start bound --autodestroy\n")
        shell.stdin.flush()
        daemon.wait_for("bound", "running (booted)")
        pid = daemon.pid("bound")
        daemon.stop()
        assert start_ticks(pid) is None
        shell.stdin.close()
    daemon.start()
    assert daemon.state("bound").startswith("shut off")
