# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pools and volumes as virsh sees them."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.conftest import Daemon

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="needs qemu-img")


@pytest.fixture
def pool(shared: Daemon, request: pytest.FixtureRequest) -> str:
    """The name of a running pool of this test's own."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name)
    shared.virsh("pool-define-as", name, "dir", "--target", str(folder(shared, name)))
    shared.virsh("pool-build", name)
    shared.virsh("pool-start", name)
    return name


def folder(daemon: Daemon, pool: str) -> Path:
    return daemon.root / "pools" / pool


def fields(text: str) -> dict[str, str]:
    """`virsh`'s "Name:   value" lines."""
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def test_a_pools_life(shared: Daemon):
    path = folder(shared, "life")
    shared.virsh("pool-define-as", "life", "dir", "--target", str(path))
    assert fields(shared.virsh("pool-info", "life"))["State"] == "inactive"
    assert "cannot open directory" in shared.fails("pool-start", "life")
    shared.virsh("pool-build", "life")
    shared.virsh("pool-start", "life")
    shared.virsh("pool-autostart", "life")
    assert (shared.root / "etc/libvirt/storage/autostart/life.xml").is_symlink()
    info = fields(shared.virsh("pool-info", "life"))
    assert (info["State"], info["Persistent"], info["Autostart"]) == ("running", "yes", "yes")
    assert shared.virsh("pool-list", "--name") == "life"
    assert "still active" in shared.fails("pool-undefine", "life")
    shared.virsh("pool-destroy", "life")
    shared.virsh("pool-delete", "life")
    shared.virsh("pool-undefine", "life")
    assert not path.exists()
    assert shared.virsh("pool-list", "--all", "--name") == ""
    assert not list((shared.root / "etc/libvirt/storage").rglob("*.xml"))


def test_a_pool_is_active_after_a_restart(daemon: Daemon):
    (daemon.root / "images").mkdir()
    daemon.virsh("pool-create-as", "transient", "dir", "--target", str(daemon.root / "images"))
    daemon.virsh("vol-create-as", "transient", "one", "1M")
    daemon.restart(9)
    assert fields(daemon.virsh("pool-info", "transient"))["State"] == "running"
    assert daemon.virsh("vol-list", "transient").split()[0] == "one"


def test_volumes_are_made_listed_resized_and_deleted(shared: Daemon, pool: str):
    shared.virsh("vol-create-as", pool, "disk.raw", "4M", "--allocation", "0")
    path = folder(shared, pool) / "disk.raw"
    assert shared.virsh("vol-list", pool).split() == ["disk.raw", str(path)]
    assert shared.virsh("vol-path", "disk.raw", pool) == str(path)
    assert shared.virsh("vol-pool", str(path)) == pool
    info = fields(shared.virsh("vol-info", "disk.raw", pool))
    assert (info["Type"], info["Capacity"], info["Allocation"]) == ("file", "4.00 MiB", "0.00 B")
    shared.virsh("vol-resize", "disk.raw", "8M", pool)
    assert path.stat().st_size == 8 << 20
    assert "exists already" in shared.fails("vol-create-as", pool, "disk.raw", "1M")
    shared.virsh("vol-clone", "disk.raw", "copy.raw", pool)
    shared.virsh("vol-delete", "disk.raw", pool)
    assert sorted(p.name for p in folder(shared, pool).iterdir()) == ["copy.raw"]


@needs_qemu_img
def test_an_overlay_of_a_volume(shared: Daemon, pool: str):
    shared.virsh("vol-create-as", pool, "base", "6M", "--format", "qcow2", "--prealloc-metadata")
    over = ("--backing-vol", "base", "--backing-vol-format", "qcow2")
    shared.virsh("vol-create-as", pool, "top", "6M", "--format", "qcow2", *over)
    xml = shared.virsh("vol-dumpxml", "top", pool)
    backing = xml[xml.index("<backingStore>") :]
    assert f"<path>{folder(shared, pool)}/base</path>" in backing
    assert "<format type='qcow2'/>" in backing


@pytest.mark.parametrize("sparse", [(), ("--sparse",)])
def test_content_goes_in_and_comes_out(shared: Daemon, pool: str, sparse: tuple[str, ...]):
    content = b"begin" + bytes(2 << 20) + b"end"
    source, target = shared.root / "source", shared.root / "target"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    shared.virsh("vol-create-as", pool, "v", str(len(content)))
    shared.virsh("vol-upload", "v", str(source), *sparse, "--pool", pool)
    shared.virsh("vol-download", "v", str(target), *sparse, "--pool", pool)
    assert target.read_bytes() == content
    shared.virsh("vol-wipe", "v", pool)
    assert (folder(shared, pool) / "v").read_bytes() == bytes(len(content))


def test_a_stream_of_a_pools_events(shared: Daemon):
    command = ["virsh", "-q", "-c", shared.uri, "pool-event", "--event", "lifecycle", "--loop", "--timeout", "60"]
    listener = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(1.5)  # until it listens, of which it says nothing
    shared.virsh("pool-define-as", "told", "dir", "--target", str(folder(shared, "told")))
    for verb in ("build", "start", "refresh", "destroy", "delete", "undefine"):
        shared.virsh(f"pool-{verb}", "told")
    assert listener.stdout is not None
    events = []
    for line in listener.stdout:
        if "told" in line:
            events.append(line.rstrip())
        if line.rstrip().endswith("Undefined"):
            break
    listener.terminate()
    listener.communicate(timeout=20)
    assert [event.rpartition(" ")[2] for event in events] == [
        "Defined",
        "Created",
        "Started",
        "Stopped",
        "Deleted",
        "Undefined",
    ]
