# SPDX-License-Identifier: LGPL-2.1-or-later
"""Block jobs of a real QEMU, asked for by virsh."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import Daemon

SIZE = 8 << 20
#: More than a copy has under way at once, whatever its speed.
LARGE = 64 << 20


def image(folder: Path, name: str, format_: str = "raw", backing: str | None = None, *, size: int = SIZE) -> Path:
    """A new image that QEMU's user may use."""
    path = folder / name
    base = ["-b", str(folder / backing), "-F", "qcow2"] if backing else []
    subprocess.run(["qemu-img", "create", "-q", "-f", format_, *base, str(path), str(size)], check=True)
    if format_ == "raw":  # data, not a hole: a copy of holes counts for nothing against a job's speed
        path.write_bytes(b"data" * (size // 4))
    path.chmod(0o666)
    return path


def info(path: Path) -> dict[str, object]:
    output = subprocess.run(["qemu-img", "info", "-U", "--output=json", path], capture_output=True, check=True).stdout
    return dict(json.loads(output))


def wait(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Guest:
    """A running guest with one disk."""

    def __init__(self, daemon: Daemon, name: str, disk: Path, format_: str) -> None:
        self.daemon = daemon
        self.name = name
        xml = (
            f"<disk type='file' device='disk'><driver name='qemu' type='{format_}'/><source file='{disk}'/>"
            "<target dev='vda' bus='virtio'/></disk>"
        )
        daemon.define(name, xml)
        daemon.virsh("start", name)

    def virsh(self, verb: str, *options: str) -> str:
        return self.daemon.virsh(verb, self.name, *options)

    def fails(self, verb: str, *options: str) -> str:
        return self.daemon.fails(verb, self.name, *options)

    def disk(self, *options: str) -> str:
        """The disk's XML on one line."""
        found = re.search(r"<disk.*?</disk>", self.virsh("dumpxml", *options), re.DOTALL)
        assert found is not None
        return re.sub(r"\s*\n\s*", "", found[0])

    def sources(self, *options: str) -> list[str]:
        """The images from the top down, a copy's after them."""
        return [Path(path).name for path in re.findall("<source file='([^']*)'", self.disk(*options))]

    def nodes(self) -> set[str]:
        """What QEMU has open, without filters."""
        reply = json.loads(self.virsh("qemu-monitor-command", '{"execute":"query-named-block-nodes"}'))
        return {node["node-name"] for node in reply["return"] if not node["node-name"].startswith("#")}

    def wait_ready(self) -> None:
        wait(lambda: "ready='yes'" in self.disk())

    def wait_idle(self) -> None:
        wait(lambda: not self.virsh("blockjob", "vda", "--raw"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that QEMU's user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="virtd-test-") as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


@pytest.fixture
def guest(shared: Daemon, folder: Path, request: pytest.FixtureRequest) -> Iterator[Guest]:
    """With a raw disk `disk`, or with a chain top → mid → base for tests that ask for "chain"."""
    name = re.sub(r"\W", "", request.node.name)
    if getattr(request, "param", None) == "chain":
        image(folder, "base", "qcow2")
        image(folder, "mid", "qcow2", "base")
        found = Guest(shared, name, image(folder, "top", "qcow2", "mid"), "qcow2")
    else:
        size = LARGE if getattr(request, "param", None) == "large" else SIZE
        found = Guest(shared, name, image(folder, "disk", size=size), "raw")
    yield found
    shared.virsh("destroy", name)
    shared.virsh("undefine", name)


with_chain = pytest.mark.parametrize("guest", ["chain"], indirect=True)


def test_copy_and_pivot(guest: Guest, folder: Path) -> None:
    guest.virsh("blockcopy", "vda", str(folder / "copy"), "--transient-job", "--format", "raw")
    guest.wait_ready()
    assert guest.sources() == ["disk", "copy"]
    assert "<mirror type='file'" in guest.disk()
    assert guest.sources("--inactive") == ["disk"]
    owner = (folder / "copy").stat().st_uid
    assert "cur=8388608" in guest.virsh("blockjob", "vda", "--raw")
    guest.virsh("blockjob", "vda", "--pivot")
    assert guest.sources() == guest.sources("--inactive") == ["copy"]
    assert len(guest.nodes()) == 2
    assert (folder / "copy").stat().st_uid == owner
    assert (folder / "disk").stat().st_uid == 0
    assert guest.daemon.state(guest.name) == "running (booted)"


def test_copy_and_abort_leaves_a_complete_copy(guest: Guest, folder: Path) -> None:
    (folder / "disk").write_bytes(b"content" + bytes(SIZE - 7))
    guest.virsh("blockcopy", "vda", str(folder / "copy"), "--transient-job", "--format", "raw")
    guest.wait_ready()
    guest.virsh("blockjob", "vda", "--abort")
    assert guest.sources() == ["disk"]
    assert (folder / "copy").read_bytes() == (folder / "disk").read_bytes()
    assert guest.nodes() == {"libvirt-1-format", "libvirt-1-storage"}


def test_copy_into_another_format(guest: Guest, folder: Path) -> None:
    guest.virsh("blockcopy", "vda", str(folder / "copy"), "--transient-job", "--format", "qcow2", "--wait", "--pivot")
    assert "type='qcow2'" in guest.disk()
    assert (info(folder / "copy")["format"], info(folder / "copy")["virtual-size"]) == ("qcow2", SIZE)


def test_copies_that_are_refused(guest: Guest, folder: Path) -> None:
    copy = str(folder / "copy")
    assert "domain is not transient" in guest.fails("blockcopy", "vda", copy, "--format", "raw")
    assert "missing destination file" in guest.fails("blockcopy", "vda", copy, "--transient-job", "--reuse-external")
    image(folder, "copy")
    assert "already exists and is not a block device" in guest.fails("blockcopy", "vda", copy, "--transient-job")
    nowhere = str(folder / "none" / "copy")
    assert "failed to create copy target" in guest.fails("blockcopy", "vda", nowhere, "--transient-job")
    same = str(folder / "disk")
    assert "lock" in guest.fails("blockcopy", "vda", same, "--transient-job", "--reuse-external")
    assert guest.sources() == ["disk"]
    assert guest.nodes() == {"libvirt-1-format", "libvirt-1-storage"}


@pytest.mark.parametrize("guest", ["large"], indirect=True)
def test_a_slow_copy_has_a_speed_and_is_not_ready(guest: Guest, folder: Path) -> None:
    guest.virsh("blockcopy", "vda", str(folder / "copy"), "--transient-job", "--format", "raw", "--bandwidth", "1")
    assert "not ready for pivot yet" in guest.fails("blockjob", "vda", "--pivot")
    assert "block copy still active" in guest.fails("blockpull", "vda")
    assert "bandwidth=1048576" in guest.virsh("blockjob", "vda", "--raw", "--bytes")
    guest.virsh("blockjob", "vda", "--bandwidth", "100")
    guest.wait_ready()
    guest.virsh("blockjob", "vda", "--abort")


@with_chain
def test_a_shallow_copy_stands_on_the_same_files(guest: Guest, folder: Path) -> None:
    options = ("--transient-job", "--shallow", "--format", "qcow2")
    guest.virsh("blockcopy", "vda", str(folder / "copy"), *options, "--wait", "--pivot")
    assert guest.sources() == ["copy", "mid", "base"]
    assert info(folder / "copy")["backing-filename"] == str(folder / "mid")
    assert len(guest.nodes()) == 6


def test_a_job_is_followed_by_the_next_daemon(daemon: Daemon, folder: Path) -> None:
    guest = Guest(daemon, "followed", image(folder, "disk"), "raw")
    guest.virsh("blockcopy", "vda", str(folder / "copy"), "--transient-job", "--format", "qcow2", "--bandwidth", "4")
    daemon.restart()
    assert "type=Block Copy" in guest.virsh("blockjob", "vda", "--raw")
    guest.wait_ready()
    guest.virsh("blockjob", "vda", "--pivot")
    assert guest.sources() == ["copy"]


@with_chain
def test_commit_in_the_middle(guest: Guest, folder: Path) -> None:
    assert guest.sources() == ["top", "mid", "base"]
    options = ("--top", str(folder / "mid"), "--base", str(folder / "base"))
    guest.virsh("blockcommit", "vda", *options, "--delete", "--wait")
    guest.wait_idle()
    wait(lambda: guest.sources() == ["top", "base"])
    assert info(folder / "top")["backing-filename"] == str(folder / "base")
    wait(lambda: not (folder / "mid").exists())


@with_chain
def test_active_commit_and_pivot(guest: Guest, folder: Path) -> None:
    guest.virsh("blockcommit", "vda", "--active")
    guest.wait_ready()
    assert "job='active-commit' ready='yes'" in guest.disk()
    guest.virsh("blockjob", "vda", "--pivot")
    assert guest.sources() == guest.sources("--inactive") == ["base"]
    assert guest.nodes() == {"libvirt-3-format", "libvirt-3-storage"}


@with_chain
def test_pull(guest: Guest, folder: Path) -> None:
    guest.virsh("blockpull", "vda", "--base", str(folder / "base"), "--wait")
    wait(lambda: guest.sources() == ["top", "base"])
    guest.virsh("blockpull", "vda", "--wait")
    wait(lambda: guest.sources() == ["top"])
    assert "backing-filename" not in info(folder / "top")


def test_size_content_and_limits(guest: Guest, folder: Path) -> None:
    guest.virsh("blockresize", "vda", "16M")
    assert (folder / "disk").stat().st_size == 16 << 20
    assert "disk 'vdz' was not found" in guest.fails("blockresize", "vdz", "1M")
    guest.virsh("blkdeviotune", "vda", "--total-bytes-sec", "1000000", "--live")
    assert re.search(r"total_bytes_sec\s*: 1000000", guest.virsh("blkdeviotune", "vda", "--live"))
    assert "<total_bytes_sec>1000000</total_bytes_sec>" in guest.disk()
    assert "iotune" not in guest.disk("--inactive")
    guest.virsh("blkdeviotune", "vda", "--read-iops-sec", "50", "--config")
    guest.daemon.virsh("destroy", guest.name)
    guest.daemon.virsh("start", guest.name)
    assert re.search(r"read_iops_sec\s*: 50", guest.virsh("blkdeviotune", "vda", "--live"))


def test_a_missing_backing_file_is_named(shared: Daemon, folder: Path) -> None:
    image(folder, "base", "qcow2")
    top = image(folder, "top", "qcow2", "base")
    (folder / "base").unlink()
    shared.define("broken", f"<disk type='file'><driver type='qcow2'/><source file='{top}'/><target dev='vda'/></disk>")
    assert f"Cannot access backing file '{folder}/base' of storage file '{top}'" in shared.fails("start", "broken")
    shared.virsh("undefine", "broken")
