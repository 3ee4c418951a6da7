# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon ends, guests do not."""

from __future__ import annotations

import os
import re
import signal

import pytest

from drivers.qemu.process import start_ticks
from tests.integration.conftest import Daemon


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_running_guests_are_found_again(daemon: Daemon, end: signal.Signals):
    daemon.define("kept", disk=daemon.bootable())
    daemon.define("idle")
    daemon.virsh("start", "kept")
    daemon.virsh("suspend", "kept")
    before, pid, number = daemon.virsh("dumpxml", "kept"), daemon.pid("kept"), daemon.virsh("domid", "kept")
    daemon.restart(end)
    assert daemon.virsh("dumpxml", "kept") == before
    assert daemon.virsh("domid", "kept") == number
    assert daemon.state("kept") == "paused (user)"
    assert daemon.state("idle") == "shut off (unknown)"
    daemon.virsh("resume", "kept")
    daemon.virsh("start", "idle")
    assert int(daemon.virsh("domid", "idle")) > int(number)
    assert daemon.pid("kept") == pid
    daemon.virsh("destroy", "kept")
    assert start_ticks(pid) is None


def test_a_guest_that_ended_meanwhile_is_reported_ended(daemon: Daemon):
    daemon.define("gone")
    daemon.virsh("start", "gone")
    pid = daemon.pid("gone")
    daemon.stop(signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    daemon.start()
    assert daemon.state("gone").startswith("shut off")
    assert daemon.guests_files() == set()


def test_a_start_cut_off_before_its_process_is_undone(daemon: Daemon):
    daemon.define("half")
    daemon.virsh("start", "half")
    status = daemon.root / "run/libvirt/qemu/half.xml"
    text, pid = status.read_text(), daemon.pid("half")
    daemon.stop(signal.SIGKILL)
    cut = text.replace("state='running'", "state='paused'")
    cut = cut.replace("reason='1'", "reason='11'")
    assert cut != text
    status.write_text(cut)
    daemon.start()
    assert daemon.state("half") == "shut off (failed)"
    assert start_ticks(pid) is None
    assert daemon.guests_files() == set()


def test_a_start_cut_off_before_its_pid_was_written_is_undone(daemon: Daemon):
    daemon.define("quarter")
    daemon.virsh("start", "quarter")
    status = daemon.root / "run/libvirt/qemu/quarter.xml"
    text, pid = status.read_text(), daemon.pid("quarter")
    daemon.stop(signal.SIGKILL)
    cut = re.sub(r' pid="[0-9]+" started="[0-9]+"', "", text)
    cut = cut.replace("state='running'", "state='paused'").replace("reason='1'", "reason='11'")
    assert f'pid="{pid}"' not in cut
    status.write_text(cut)
    daemon.start()
    assert daemon.state("quarter") == "shut off (failed)"
    assert start_ticks(pid) is None
    assert daemon.guests_files() == set()


def test_a_damaged_definition_is_set_aside_and_the_rest_loads(daemon: Daemon):
    daemon.define("good")
    daemon.define("ugly")
    daemon.stop()
    folder = daemon.root / "etc/libvirt/qemu"
    (folder / "ugly.xml").write_text("<domain type='qemu'><name>ugly</na")
    daemon.start()
    assert daemon.virsh("list", "--all", "--name") == "good"
    assert [p.name for p in folder.glob("ugly.xml.unreadable-*")]
    assert "ugly.xml cannot be used and was set aside" in daemon.log.read_text()


def test_autostart_happens_once_a_boot_of_the_host(daemon: Daemon):
    daemon.define("early")
    daemon.virsh("autostart", "early")
    daemon.restart()
    assert daemon.state("early").startswith("shut off")
    daemon.stop()
    (daemon.root / "run/libvirt/qemu/autostarted").unlink()  # what a boot of the host does to /run
    daemon.start()
    daemon.wait_for("early", "running (booted)")
