# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real containers of busybox under a daemon of the test's own, driven by the stock virsh."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from drivers.common.process import start_ticks
from tests.integration.conftest import Daemon

BUSYBOX = "/bin/busybox"
#: An init that stays until it is asked to go; what it does besides is put before.
STAYS = "trap 'exit 0' TERM; trap 'reboot -f' HUP; while :; do sleep 1000 & wait; done"


class Containers(Daemon):
    """virtd under `root`, with a root filesystem for each container."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.uri = f"lxc+unix:///system?socket={root}/run/libvirt/libvirt-sock"

    def tree(self, name: str) -> Path:
        """The root filesystem of a container."""
        tree = self.root / "trees" / name
        if not tree.exists():
            for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "run"):
                (tree / folder).mkdir(parents=True)
            shutil.copy(BUSYBOX, tree / "bin/busybox")
            subprocess.run([BUSYBOX, "chroot", str(tree), "/bin/busybox", "--install", "-s", "/bin"], check=True)
        return tree

    def write(self, name: str, script: str = "", devices: str = "", *, extra: str = "", os_extra: str = "") -> Path:
        """A container's definition in a file; its init is `script`, then it stays."""
        tree = self.tree(name)
        init = tree / "init.sh"
        init.write_text(f"#!/bin/sh\n{script}\n{STAYS}\n")
        init.chmod(0o755)
        path = self.root / f"{name}-input.xml"
        path.write_text(
            f"<domain type='lxc'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>{extra}"
            f"<os><type>exe</type><init>/init.sh</init>{os_extra}</os><devices>"
            f"<filesystem type='mount'><source dir='{tree}'/><target dir='/'/></filesystem>"
            f"{devices}<console type='pty'/></devices></domain>"
        )
        return path

    def create(self, name: str, script: str = "", devices: str = "", *, extra: str = "", os_extra: str = "") -> None:
        """Start a transient container."""
        self.virsh("create", str(self.write(name, script, devices, extra=extra, os_extra=os_extra)))

    def told(self, name: str, seconds: float = 10.0) -> str:
        """What the container's script wrote to /told, once /done is there too."""
        self.told_ready(name, seconds)
        return (self.tree(name) / "told").read_text()

    def told_ready(self, name: str, seconds: float = 10.0) -> None:
        """Wait until the container's script has made /done."""
        deadline = time.monotonic() + seconds
        while not (self.tree(name) / "done").exists():
            assert time.monotonic() < deadline, f"{name} says nothing: {self.log_of(name)}"
            time.sleep(0.02)

    def log_of(self, name: str) -> str:
        return (self.root / f"var/log/libvirt/lxc/{name}.log").read_text()

    def pids(self, name: str) -> tuple[int, int]:
        """Controller and init of a running container."""
        text = (self.root / f"run/libvirt/lxc/{name}.xml").read_text()
        run = ElementTree.fromstring(text).find("run")
        assert run is not None
        return int(run.get("controller_pid", "")), int(run.get("init_pid", ""))

    def inside(self, name: str, *command: str) -> str:
        """Run a program in the container's namespaces, by virsh."""
        return self.virsh("lxc-enter-namespace", name, "--noseclabel", *command)

    def left(self, name: str) -> list[str]:
        """What the host still has of a container."""
        files = [str(p) for p in (self.root / "run/libvirt/lxc").glob(f"{name}.*")]
        groups = [str(p) for p in Path("/sys/fs/cgroup").glob(f"**/lxc-*-{name}.libvirt-lxc")]
        processes = [pid for pid in os.listdir("/proc") if pid.isdigit() and _is_of(pid, name)]
        mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if f"/{name}.dev" in line]
        return files + groups + processes + mounts

    def wait_gone(self, name: str, seconds: float = 10.0) -> None:
        """Wait until nothing is left of a container that has ended."""
        deadline = time.monotonic() + seconds
        while name in self.virsh("list", "--name").split() or self.left(name):
            assert time.monotonic() < deadline, f"{name} has left {self.left(name)}"
            time.sleep(0.05)


def _is_of(pid: str, name: str) -> bool:
    try:
        if start_ticks(int(pid)) is None:
            return False  # ended, and not yet waited for
        named = Path(f"/proc/{pid}/comm").read_text().strip() == f"lxc-{name}"[:15]
        return named or bool(re.search(rf"^\d+:.*lxc-\d+-{name}\.libvirt-lxc$", _groups(pid), re.MULTILINE))
    except (FileNotFoundError, ProcessLookupError):
        return False


def _groups(pid: str) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text()


def daemon() -> Iterator[Containers]:
    """A daemon in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="virtd-lxc-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        found = Containers(folder)
        found.start()
        try:
            yield found
        finally:
            found.clean_up()
