# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest's life as virsh sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from drivers.qemu.process import start_ticks
from tests.integration.conftest import Daemon


def test_define_start_pause_stop_and_undefine(shared: Daemon):
    shared.define("one")
    assert "one" in shared.virsh("list", "--all", "--name").split()
    shared.virsh("start", "one")
    assert shared.state("one") == "running (booted)"
    shared.virsh("suspend", "one")
    assert shared.state("one") == "paused (user)"
    shared.virsh("resume", "one")
    assert shared.state("one") == "running (unpaused)"
    pid = shared.pid("one")
    assert os.getsid(pid) == pid
    shared.virsh("destroy", "one")
    assert shared.state("one") == "shut off (destroyed)"
    assert start_ticks(pid) is None
    assert shared.guests_files() == set()
    shared.virsh("undefine", "one")
    assert "one" not in shared.virsh("list", "--all", "--name").split()


def test_the_live_xml_shows_what_only_a_running_guest_has(shared: Daemon):
    shared.define("live", "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>")
    shared.virsh("start", "live")
    live = shared.virsh("dumpxml", "live")
    assert "<source path='/dev/pts/" in live
    assert "<alias name='serial0'/>" in live
    assert "org.qemu.guest_agent.0' state='disconnected'/>" in live
    stored = shared.virsh("dumpxml", "--inactive", "live")
    assert "<alias" not in stored
    assert "/dev/pts" not in stored
    shared.virsh("destroy", "live")


def test_events_come_in_the_order_of_stock(shared: Daemon):
    shared.define("told")
    command = ["virsh", "-q", "-c", shared.uri, "event", "--event", "lifecycle", "--loop", "--timeout", "4"]
    listener = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(0.7)
    for verb in ("start", "suspend", "resume", "destroy"):
        shared.virsh(verb, "told")
    output, _ = listener.communicate(timeout=20)
    assert [line.partition(": ")[2] for line in output.splitlines() if line.startswith("event 'lifecycle'")] == [
        "Resumed Unpaused",
        "Started Booted",
        "Suspended Paused",
        "Resumed Unpaused",
        "Shutdown Finished after host request",
        "Stopped Destroyed",
    ]


def test_the_guest_powers_itself_off_when_its_button_is_pressed(shared: Daemon):
    shared.define("button", disk=shared.bootable())
    shared.virsh("start", "button")
    _wait_for_boot(shared, "button")
    shared.virsh("shutdown", "button")
    shared.wait_for("button", "shut off (shutdown)")
    assert shared.guests_files() == set()


def test_a_reboot_keeps_the_process_and_a_guest_that_restarts_goes_on(shared: Daemon):
    shared.define("again", disk=shared.bootable())
    shared.virsh("start", "again")
    pid = shared.pid("again")
    _wait_for_boot(shared, "again")
    command = ["virsh", "-q", "-c", shared.uri, "event", "again", "--event", "reboot", "--timeout", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        time.sleep(1)
        shared.virsh("reboot", "again")
        output, _ = listener.communicate(timeout=40)
    assert "event 'reboot' for domain 'again'" in output
    assert shared.state("again") == "running (booted)"
    assert shared.pid("again") == pid
    _wait_for_boot(shared, "again")
    shared.virsh("shutdown", "again")
    shared.wait_for("again", "shut off (shutdown)")


def test_a_qemu_that_dies_is_a_guest_that_crashed(shared: Daemon):
    shared.define("victim")
    shared.virsh("start", "victim")
    os.kill(shared.pid("victim"), signal.SIGKILL)
    shared.wait_for("victim", "shut off (crashed)")
    assert shared.guests_files() == set()


def test_a_start_that_fails_says_why_in_qemus_words_and_leaves_nothing(shared: Daemon):
    shared.define("bad")
    xml = shared.virsh("dumpxml", "bad").replace(
        "<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' "
    )
    path = shared.root / "bad.xml"
    path.write_text(
        xml.replace("</domain>", "<qemu:commandline><qemu:arg value='-nonsense'/></qemu:commandline></domain>")
    )
    shared.virsh("define", str(path))
    assert "-nonsense: invalid option" in shared.fails("start", "bad")
    assert shared.state("bad") == "shut off (failed)"
    assert shared.guests_files() == set()


def test_a_disk_that_is_not_there_is_named(shared: Daemon):
    shared.define("nodisk", disk="/nowhere/disk.img")
    assert "Cannot access storage file '/nowhere/disk.img'" in shared.fails("start", "nodisk")


def test_a_transient_guest_is_gone_with_its_process(shared: Daemon):
    path = shared.define("passing")
    shared.virsh("undefine", "passing")
    shared.virsh("create", str(path), "--paused")
    assert shared.state("passing") == "paused (user)"
    shared.virsh("destroy", "passing")
    assert "passing" not in shared.virsh("list", "--all", "--name").split()


def test_images_belong_to_qemu_only_while_it_runs(shared: Daemon):
    image = shared.bootable()
    os.chown(image, 1234, 1234)
    shared.define("owner", disk=image)
    shared.virsh("start", "owner")
    assert os.stat(image).st_uid == os.stat(f"/proc/{shared.pid('owner')}").st_uid
    shared.virsh("destroy", "owner")
    assert os.stat(image).st_uid == 1234


def _wait_for_boot(shared: Daemon, name: str) -> None:
    """Until the guest has said its letter on the serial port: then it sees its power button."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        registers = shared.virsh("qemu-monitor-command", name, "--hmp", "info registers")
        if "HLT=1" in registers and "CS =0000" in registers:
            return
        time.sleep(0.1)
    raise AssertionError("the guest does not boot")
