# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that libvirtd left running: its QEMU and its status file are made here, the way libvirtd makes them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.qemu.process import start_ticks
from tests.fakes.libvirt_status import UUID, LibvirtFile
from tests.integration.conftest import QEMU, Daemon


class Left:
    """The guest: a process and its file, below the daemon's folders; QEMU stands still at first."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        folder = daemon.root / "var/lib/libvirt/qemu/domain-5-left"
        folder.mkdir(parents=True)
        (folder / "master-key.aes").write_bytes(os.urandom(32))
        self.file = LibvirtFile(folder, daemon.bootable(), state="paused", reason="user")
        self.output = daemon.root / "qemu.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(self._command(), stdout=output, stderr=output, start_new_session=True)
        self.file.pid = self.process.pid
        self.file.pty = self._learn_terminal()
        self.run_folder = daemon.root / "run/libvirt/qemu"
        self.run_folder.mkdir(parents=True, exist_ok=True)

    @property
    def path(self) -> Path:
        return self.run_folder / "left.xml"

    def write(self) -> None:
        """Write the files that libvirtd keeps of a guest."""
        self.path.write_text(self.file.text())
        (self.run_folder / "left.pid").write_text(f"{self.file.pid}\n")

    def _command(self) -> list[str]:
        folder, image = self.file.folder, self.file.image
        key = {"qom-type": "secret", "id": "masterKey0", "format": "raw", "file": f"{folder}/master-key.aes"}
        storage = {"driver": "file", "filename": image, "node-name": "libvirt-1-storage", "auto-read-only": True}
        disk = {"node-name": "libvirt-1-format", "driver": "raw", "file": "libvirt-1-storage", "read-only": False}
        ports = [
            {
                "driver": "pcie-root-port",
                "port": 15 + n,
                "chassis": n,
                "id": f"pci.{n}",
                "bus": "pcie.0",
                "addr": f"0x2.{n - 1}",
            }
            | ({"multifunction": True} if n == 1 else {})
            for n in (1, 2)
        ]
        devices = [
            *ports,
            {
                "driver": "virtio-blk-pci",
                "bus": "pci.1",
                "drive": "libvirt-1-format",
                "id": "virtio-disk0",
                "bootindex": 1,
            },
            {"driver": "isa-serial", "chardev": "charserial0", "id": "serial0", "index": 0},
            {"driver": "VGA", "id": "video0", "vgamem_mb": 16, "bus": "pcie.0", "addr": "0x1"},
        ]
        return [
            *(QEMU, "-name", "guest=left,debug-threads=on", "-S", "-object", json.dumps(key)),
            *("-machine", "pc-q35-7.2,usb=off,dump-guest-core=off", "-accel", "tcg", "-cpu", "qemu64", "-m", "32"),
            *("-uuid", UUID, "-display", "none", "-no-user-config", "-nodefaults", "-no-shutdown"),
            *("-chardev", f"socket,id=charmonitor,path={folder}/monitor.sock,server=on,wait=off"),
            *("-mon", "chardev=charmonitor,id=monitor,mode=control", "-chardev", "pty,id=charserial0"),
            *("-blockdev", json.dumps(storage), "-blockdev", json.dumps(disk)),
            *(argument for device in devices for argument in ("-device", json.dumps(device))),
        ]

    def _learn_terminal(self) -> str:
        """The pty that QEMU was given; it is up when its monitor listens."""
        deadline = time.monotonic() + 20
        while True:
            found = re.search(r"redirected to (\S+) ", self.output.read_text())
            if found and (self.file.folder / "monitor.sock").exists():
                return found[1]
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @property
    def runs(self) -> bool:
        return start_ticks(self.file.pid) is not None


@pytest.fixture
def left(daemon: Daemon) -> Iterator[Left]:
    """A guest of libvirtd's; the daemon has stopped, the file is not written yet."""
    daemon.stop()
    guest = Left(daemon)
    yield guest
    if guest.process.poll() is None:
        guest.process.kill()
    guest.process.wait()


def test_a_guest_of_libvirtd_is_taken_over_and_managed(daemon: Daemon, left: Left):
    left.write()
    daemon.start()
    assert daemon.virsh("list", "--name") == "left"
    assert daemon.virsh("domid", "left") == "5"
    assert daemon.virsh("domuuid", "left") == UUID
    assert daemon.state("left") == "paused (user)"
    xml = daemon.virsh("dumpxml", "left")
    assert f"<source file='{left.file.image}' index='1'/>" in xml
    assert f"tty='{left.file.pty}'" in xml
    assert "privateData" not in xml
    assert "custom monitor control commands issued" in daemon.virsh("dominfo", "left")
    daemon.virsh("resume", "left")
    assert daemon.state("left") == "running (unpaused)"
    daemon.virsh("suspend", "left")
    more = daemon.root / "more.img"
    more.write_bytes(bytes(1 << 20))
    daemon.virsh("attach-disk", "left", str(more), "vdb", "--targetbus", "virtio", "--subdriver", "raw")
    assert str(more) in daemon.virsh("domblklist", "left")
    assert "index='5'" in daemon.virsh("dumpxml", "left")
    daemon.virsh("blockcopy", "left", "vda", str(daemon.root / "copy.img"), "--wait", "--pivot", "--transient-job")
    assert "copy.img" in daemon.virsh("domblklist", "left")
    assert left.runs
    daemon.virsh("destroy", "left")
    left.process.wait(20)
    assert daemon.virsh("list", "--all", "--name") == ""
    assert daemon.guests_files() == set()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_from_then_on_the_guest_is_ours(daemon: Daemon, left: Left, end: signal.Signals):
    left.write()
    daemon.start()
    before = daemon.virsh("dumpxml", "left")
    assert "libDir" not in left.path.read_text()
    daemon.restart(end)
    assert daemon.virsh("dumpxml", "left") == before
    daemon.virsh("resume", "left")
    left.process.send_signal(signal.SIGKILL)
    left.process.wait(20)
    deadline = time.monotonic() + 20
    while daemon.virsh("list", "--all", "--name"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert daemon.guests_files() == set()


def test_a_daemon_killed_at_any_moment_of_the_taking_over_loses_nothing(daemon: Daemon, left: Left):
    left.write()
    for milliseconds in range(400, 1500, 350):
        daemon.spawn()
        time.sleep(milliseconds / 1000)
        daemon.stop(signal.SIGKILL)
        assert left.runs
    daemon.start()
    assert daemon.state("left").startswith("paused")
    daemon.virsh("resume", "left")
    daemon.virsh("destroy", "left")


def test_a_guest_that_cannot_be_taken_over_is_left_alone(daemon: Daemon, left: Left):
    left.file.before_devices = "  <job type='none' async='migration out' phase='perform3' flags='0x0'/>\n"
    left.write()
    daemon.start()
    assert daemon.virsh("list", "--all", "--name") == ""
    assert left.runs
    assert left.path.read_text() == left.file.text()
    assert "guest left (QEMU is process" in daemon.log.read_text()
    daemon.define("left", extra=f"<uuid>{UUID}</uuid>")
    assert "runs already, as process" in daemon.fails("start", "left")
    daemon.restart()
    assert left.runs


def test_a_guest_that_ended_between_is_reported_ended(daemon: Daemon, left: Left):
    left.write()
    left.process.kill()
    left.process.wait()
    daemon.start()
    assert daemon.virsh("list", "--all", "--name") == ""
    assert daemon.guests_files() == set()


def test_a_file_cut_in_half_is_set_aside(daemon: Daemon, left: Left):
    text = left.file.text()
    left.path.write_text(text[: len(text) // 2])
    daemon.start()
    assert daemon.virsh("list", "--all", "--name") == ""
    assert [p.name for p in left.run_folder.glob("left.xml.unreadable-*")]
    assert left.runs


def test_a_monitor_that_somebody_else_holds_is_waited_for(daemon: Daemon, left: Left):
    """QEMU has one ear: while the old daemon has it, the guest is known but cannot be reached."""
    holder = socket.socket(socket.AF_UNIX)
    holder.connect(str(left.file.folder / "monitor.sock"))
    left.write()
    daemon.start()
    assert daemon.state("left") == "paused (user)"
    assert left.path.read_text() == left.file.text()
    holder.close()
    daemon.virsh("resume", "left")
    assert daemon.state("left") == "running (unpaused)"
    daemon.virsh("destroy", "left")
