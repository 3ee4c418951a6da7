# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests made by the stock virt-install."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.integration.conftest import Daemon

pytestmark = pytest.mark.skipif(
    shutil.which("virt-install") is None or shutil.which("qemu-img") is None, reason="needs virt-install and qemu-img"
)


def virt_install(daemon: Daemon, name: str, *arguments: str) -> None:
    """Run virt-install for a small emulated guest; it must succeed."""
    command = [
        "virt-install",
        *("--connect", daemon.uri, "--name", name, "--virt-type", "qemu", "--memory", "64", "--vcpus", "1"),
        *("--import", "--network", "user", "--graphics", "vnc", "--noautoconsole"),
        *("--osinfo", "detect=off,require=off", *arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_image_is_imported(daemon: Daemon):
    image = daemon.root / "images/disk.qcow2"
    image.parent.mkdir(mode=0o755)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "16M"], check=True)
    virt_install(daemon, "imported", "--disk", f"path={image}")
    assert daemon.state("imported") == "running (booted)"
    stored = daemon.virsh("dumpxml", "--inactive", "imported")
    assert "<driver name='qemu' type='qcow2'/>" in stored
    assert f"<source file='{image}'/>" in stored
    assert "<graphics type='vnc'" in stored
    assert daemon.virsh("vol-pool", str(image)) == "images"


def test_a_disk_is_made(daemon: Daemon):
    image = daemon.root / "images/new.qcow2"
    image.parent.mkdir(mode=0o755)
    virt_install(daemon, "new", "--disk", f"path={image},size=0.05,format=qcow2")
    assert image.read_bytes()[:4] == b"QFI\xfb"
    assert f"<source file='{image}'/>" in daemon.virsh("dumpxml", "--inactive", "new")
    assert daemon.virsh("vol-list", "images").split() == ["new.qcow2", str(image)]
