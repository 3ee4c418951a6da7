# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon under a root of its own, driven by the stock virsh; guests run in real QEMU, by emulation."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

QEMU = "/usr/bin/qemu-system-x86_64"
START_SECONDS = 20.0

#: A sector that says "U" on the serial port and sleeps; the power button switches the machine off.
BOOT_SECTOR = (
    bytes.fromhex(
        "fb"  # sti
        "ba0206 b80001 ef"  # power button enabled: out(0x602, 0x100)
        "baf803 b055 ee"  # out(0x3f8, 'U')
        "f4 ba0006 ed f6c401 74f6"  # again: hlt; until in(0x600) has bit 8
        "ba0406 b80020 ef ebfe".replace(" ", "")  # soft off: out(0x604, 0x2000)
    ).ljust(510, b"\0")
    + b"\x55\xaa"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [tool for tool in ("virsh", QEMU) if shutil.which(tool) is None]
    reason = "needs root" if os.geteuid() else f"needs {', '.join(missing)}" if missing else None
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


class Daemon:
    """virtd under `root`; guests go on when it is stopped."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = f"qemu+unix:///system?socket={root}/run/libvirt/libvirt-sock"
        self.log = root / "virtd.log"
        self.process: subprocess.Popen[bytes] | None = None

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the daemon; it does not answer yet."""
        with open(self.log, "ab") as log:
            command = [sys.executable, "-m", "virtd", "--root", str(self.root)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        return self.process

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        process = self.spawn()
        deadline = time.monotonic() + START_SECONDS
        while self.run("uri").returncode:
            assert process.poll() is None, f"the daemon ended: {self.log.read_text()}"
            assert time.monotonic() < deadline, f"the daemon does not answer: {self.log.read_text()}"
            time.sleep(0.05)

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """End the daemon."""
        if self.process is not None:
            self.process.send_signal(signal_number)
            self.process.wait(20)
            self.process = None

    def restart(self, signal_number: int = signal.SIGTERM) -> None:
        self.stop(signal_number)
        self.start()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a virsh command, however it ends."""
        return subprocess.run(["virsh", "-q", "-c", self.uri, *command], capture_output=True, text=True, timeout=60)

    def virsh(self, *command: str) -> str:
        """Run a virsh command that must succeed; its output."""
        done = self.run(*command)
        assert done.returncode == 0, f"virsh {' '.join(command)}: {done.stderr}{self.log.read_text()[-4000:]}"
        return done.stdout.strip()

    def fails(self, *command: str) -> str:
        """Run a virsh command that must fail; its complaint."""
        done = self.run(*command)
        assert done.returncode != 0, f"virsh {' '.join(command)} succeeded: {done.stdout}"
        return done.stderr.strip()

    def define(self, name: str, devices: str = "", *, extra: str = "", disk: str | None = None) -> Path:
        """Store a small guest; returns its XML's file."""
        path = self.root / f"{name}-input.xml"
        path.write_text(guest_xml(name, devices, extra=extra, disk=disk))
        self.virsh("define", str(path))
        return path

    def bootable(self, name: str = "boot.img") -> str:
        """A disk with the tiny guest on it."""
        path = self.root / name
        path.write_bytes(BOOT_SECTOR.ljust(1 << 20, b"\0"))
        path.chmod(0o666)
        return str(path)

    def state(self, name: str) -> str:
        return self.virsh("domstate", "--reason", name)

    def wait_for(self, name: str, state: str, seconds: float = 20.0) -> None:
        """Wait until the guest's state and reason are as given."""
        deadline = time.monotonic() + seconds
        while (now := self.state(name)) != state:
            assert time.monotonic() < deadline, f"{name} is {now!r}, not {state!r}: {self.log.read_text()[-4000:]}"
            time.sleep(0.05)

    def pid(self, name: str) -> int:
        """The process of a running guest."""
        return int((self.root / f"run/libvirt/qemu/{name}.pid").read_text())

    def guests_files(self) -> set[str]:
        """What running guests have on the host."""
        folders = [self.root / "run/libvirt/qemu", self.root / "var/lib/libvirt/qemu"]
        found = {str(p.relative_to(self.root)) for folder in folders for p in folder.rglob("*")}
        return {f for f in found if "domain-" in f or f.endswith((".pid", ".xml"))}

    def clean_up(self) -> None:
        """End all guests and the daemon."""
        if self.process is None:
            self.start()
        for name in self.virsh("list", "--name").split():
            self.virsh("destroy", name)
        self.stop()


def guest_xml(name: str, devices: str = "", *, extra: str = "", disk: str | None = None) -> str:
    """A guest that emulates a small PC."""
    drive = (
        f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
        if disk
        else ""
    )
    return (
        f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>{extra}"
        f"<devices><emulator>{QEMU}</emulator>{drive}{devices}<serial type='pty'/>"
        "<video><model type='vga'/></video></devices></domain>"
    )


def _daemon() -> Iterator[Daemon]:
    """A daemon in a folder of its own: pytest's are closed again to QEMU's user by any other session of pytest."""
    with tempfile.TemporaryDirectory(prefix="virtd-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = Daemon(folder)
        found.start()
        yield found
        found.clean_up()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A running daemon without guests."""
    yield from _daemon()


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    """One daemon for the tests of a module, which use guests of different names."""
    yield from _daemon()
