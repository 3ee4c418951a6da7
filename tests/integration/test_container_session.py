# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers of a user's own daemon, without root's help."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.containers import BUSYBOX, Containers

pytestmark = pytest.mark.skipif(
    not os.path.exists(BUSYBOX) or shutil.which("unshare") is None, reason="needs busybox-static and unshare"
)


class SessionContainers(Containers):
    """A daemon that is uid 1000 in a user namespace: no more than any user may."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.uri = f"lxc+unix:///session?socket={root}/run/libvirt/libvirt-sock"

    def spawn(self) -> subprocess.Popen[bytes]:
        folders = {f"XDG_{name}": str(self.root / place) for name, place in FOLDERS.items()}
        command = ["unshare", "--user", "--map-user=1000", "--map-group=1000", sys.executable, "-m", "virtd"]
        with open(self.log, "ab") as log:
            environment = {**os.environ, "HOME": str(self.root), **folders}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        return self.process


FOLDERS = {"RUNTIME_DIR": "run", "CACHE_HOME": "cache", "CONFIG_HOME": "etc", "DATA_HOME": "share"}


@pytest.fixture(scope="module")
def containers() -> Iterator[SessionContainers]:
    with tempfile.TemporaryDirectory(prefix="virtd-lxc-") as name:
        found = SessionContainers(Path(name))
        (found.root / "run").mkdir(mode=0o700)
        found.start()
        try:
            yield found
        finally:
            found.clean_up()


def test_root_in_a_world_of_its_own(containers: SessionContainers):
    containers.create("mine", "id -u >/told; hostname >>/told; echo $$ >>/told; echo x >/dev/null; touch /done")
    assert containers.told("mine").split() == ["0", "mine", "1"]
    assert "running" in containers.virsh("dominfo", "mine")
    containers.virsh("shutdown", "--mode", "signal", "mine")
    containers.wait_gone("mine")


def test_a_network_with_nothing_but_itself(containers: SessionContainers):
    containers.create("alone", "ip -o link >/told; touch /done", extra="<features><privnet/></features>")
    assert len(containers.told("alone").splitlines()) >= 1
    assert "ether" not in containers.told("alone")
    containers.virsh("destroy", "alone")


@pytest.mark.parametrize(
    ("extra", "devices", "what"),
    [
        ("", "<interface type='ethernet'/>", "network devices"),
        ("<idmap><uid start='0' target='5' count='9'/><gid start='0' target='5' count='9'/></idmap>", "", "users"),
    ],
)
def test_what_needs_root_is_told(containers: SessionContainers, extra: str, devices: str, what: str):
    path = containers.write("more", "", devices, extra=extra)
    assert f"containers with {what} of their own are not supported" in containers.fails("create", str(path))


def test_without_a_control_group_nothing_is_suspended(containers: SessionContainers):
    containers.create("free")
    assert "FREEZER controller is not mounted" in containers.fails("suspend", "free")
    containers.virsh("destroy", "free")
