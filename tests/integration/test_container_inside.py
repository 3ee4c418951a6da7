# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a container sees and may do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.containers import BUSYBOX, Containers, daemon

pytestmark = pytest.mark.skipif(not os.path.exists(BUSYBOX), reason="needs busybox-static")

#: What libvirt takes away: sys_module, sys_time, mknod, audit_control, mac_admin.
USUALLY_DROPPED = {16, 25, 27, 30, 33}


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    yield from daemon()


def tell(*commands: str) -> str:
    """A script that writes what the commands say to /told."""
    return "exec 3>/told; { " + "; ".join(commands) + "; } >&3 2>&3; touch /done"


def mounts(text: str) -> dict[str, tuple[str, set[str]]]:
    """Mount point → kind and options, from /proc/mounts."""
    lines = (line.split() for line in text.splitlines())
    return {words[1]: (words[2], set(words[3].split(","))) for words in lines}


def held_capabilities() -> set[int]:
    """Those that this process could give to a container."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapBnd"))
    mask = int(line.split()[1], 16)
    return {bit for bit in range(64) if mask >> bit & 1}


def capabilities(containers: Containers, name: str, extra: str = "") -> set[int]:
    """Those that a container has."""
    containers.create(name, tell("grep CapEff /proc/self/status"), extra=extra)
    mask = int(containers.told(name).split()[1], 16)
    containers.virsh("destroy", name)
    return {bit for bit in range(64) if mask >> bit & 1}


def test_the_root_and_the_kernels_file_systems(containers: Containers):
    containers.create("tree", tell("cat /proc/self/mounts"))
    found = mounts(containers.told("tree"))
    assert found["/proc"][0] == "proc"
    assert "ro" in found["/proc/sys"][1]
    assert found["/sys"][0] == "sysfs"
    assert "ro" in found["/sys"][1]
    assert found["/dev"][0] == "tmpfs"
    assert found["/dev/pts"][0] == "devpts"
    assert not any(str(containers.root) in place for place in found)
    containers.virsh("destroy", "tree")


def test_devices_are_the_usual_ones_only(containers: Containers):
    containers.create("nodes", tell("ls /dev", "mknod /tmp/disk b 8 0", "echo x >/dev/null && echo null-ok"))
    told = containers.told("nodes").split()
    usual = {"console", "fd", "full", "null", "ptmx", "pts", "random", "stderr", "stdin", "stdout", "tty", "tty1"}
    assert usual | {"urandom", "zero"} <= set(told)
    assert not any(name.startswith(("sd", "vd", "loop", "mem", "kmsg")) for name in told)
    assert "null-ok" in told
    assert not (containers.tree("nodes") / "tmp/disk").exists()
    containers.virsh("destroy", "nodes")


def test_file_systems_of_the_definition(containers: Containers, tmp_path: Path):
    (tmp_path / "mark").write_text("from the host")
    devices = (
        f"<filesystem type='mount'><source dir='{tmp_path}'/><target dir='/host'/></filesystem>"
        f"<filesystem type='mount'><source dir='{tmp_path}'/><target dir='/deep/er/host'/><readonly/></filesystem>"
        "<filesystem type='bind'><source dir='/bin'/><target dir='/again'/></filesystem>"
        "<filesystem type='ram'><source usage='2' units='MiB'/><target dir='/memory'/></filesystem>"
    )
    containers.create("mounts", tell("cat /proc/self/mounts", "echo no >/deep/er/host/x", "echo yes >/host/y"), devices)
    found = mounts(containers.told("mounts"))
    assert "ro" in found["/deep/er/host"][1]
    assert found["/memory"] == ("tmpfs", found["/memory"][1])
    assert {"size=2048k", "nodev", "nosuid"} <= found["/memory"][1]
    assert (tmp_path / "y").read_text() == "yes\n"
    assert not (tmp_path / "x").exists()
    assert containers.inside("mounts", "/again/busybox", "cat", "/host/mark") == "from the host"
    containers.virsh("destroy", "mounts")


def test_a_root_to_be_read_only(containers: Containers, tmp_path: Path):
    path = containers.write("fixed", "echo no >/written; touch /tell/done", "")
    text = path.read_text().replace("<target dir='/'/>", "<target dir='/'/><readonly/>")
    extra = f"<filesystem type='mount'><source dir='{tmp_path}'/><target dir='/tell'/></filesystem>"
    path.write_text(text.replace("<console", f"{extra}<console"))
    containers.virsh("create", str(path))
    assert "ro" in mounts(containers.inside("fixed", "/bin/cat", "/proc/mounts"))["/"][1]
    assert not (containers.tree("fixed") / "written").exists()
    containers.virsh("destroy", "fixed")


def test_links_in_a_tree_lead_nowhere_outside(containers: Containers, tmp_path: Path):
    tree = containers.tree("sly")
    (tree / "trap").symlink_to(tmp_path)
    ram = "<filesystem type='ram'><source usage='1024'/><target dir='/trap/in'/></filesystem>"
    path = containers.write("sly", "touch /done", ram)
    containers.virsh("create", str(path))
    assert list(tmp_path.iterdir()) == []
    assert (tree / str(tmp_path).lstrip("/") / "in").is_dir()
    containers.virsh("destroy", "sly")


def test_a_container_without_a_root_of_its_own_sees_the_hosts(containers: Containers, tmp_path: Path):
    path = containers.write("shared")
    tree = containers.tree("shared")
    root = f"<filesystem type='mount'><source dir='{tree}'/><target dir='/'/></filesystem>"
    path.write_text(path.read_text().replace(root, "").replace("/init.sh", f"{tree}/init.sh"))
    containers.virsh("create", str(path))
    assert containers.inside("shared", "/bin/ls", str(tree)).split()
    assert containers.inside("shared", "/bin/sh", "-c", "ls /proc | grep -c '^[0-9]'") in ("2", "3", "4", "5")
    containers.virsh("destroy", "shared")


def test_an_image_is_mounted_by_a_loop_device(containers: Containers, tmp_path: Path):
    image = tmp_path / "image"
    image.write_bytes(bytes(4 << 20))
    if subprocess.run(["mkfs.ext4", "-q", str(image)], check=False).returncode:
        pytest.skip("needs mkfs.ext4")
    devices = f"<filesystem type='file'><driver type='loop' format='raw'/><source file='{image}'/><target dir='/mnt'/></filesystem>"
    containers.create("image", tell("cat /proc/self/mounts", "echo kept >/mnt/file"), devices)
    assert mounts(containers.told("image"))["/mnt"][0].startswith("ext")
    containers.virsh("destroy", "image")
    assert str(image) not in subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout


def test_capabilities(containers: Containers):
    held = held_capabilities()
    assert capabilities(containers, "usual") == held - USUALLY_DROPPED
    some = (
        "<features><capabilities policy='default'><mknod state='on'/><net_raw state='off'/></capabilities></features>"
    )
    assert capabilities(containers, "some", some) == held - (USUALLY_DROPPED - {27}) - {13}
    none = "<features><capabilities policy='deny'><chown state='on'/></capabilities></features>"
    assert capabilities(containers, "none", none) == {0}
    every = "<features><capabilities policy='allow'><sys_time state='off'/></capabilities></features>"
    assert capabilities(containers, "every", every) == held - {25}


def test_init_as_another_user_in_another_folder(containers: Containers):
    tree = containers.tree("user")
    tree.chmod(0o777)
    os_extra = "<initdir>/tmp</initdir><inituser>+1234</inituser><initgroup>+4321</initgroup>"
    containers.create("user", tell("id -u", "id -g", "pwd"), os_extra=os_extra)
    assert containers.told("user").split() == ["1234", "4321", "/tmp"]
    containers.virsh("destroy", "user")


def test_users_of_its_own(containers: Containers):
    tree = containers.tree("mapped")
    for place in (tree, *tree.rglob("*")):
        os.chown(place, 100000, 100000, follow_symlinks=False)
    idmap = "<idmap><uid start='0' target='100000' count='1000'/><gid start='0' target='100000' count='1000'/></idmap>"
    script = tell("cat /proc/self/uid_map", "id -u", "cat /proc/self/mounts", "echo x >/dev/null", "ls -ln /dev/null")
    path = containers.write("mapped", script, extra=idmap)
    os.chown(tree / "init.sh", 100000, 100000)
    containers.virsh("create", str(path))
    told = containers.told("mapped")
    assert told.split()[:4] == ["0", "100000", "1000", "0"]
    assert mounts(told.split("\n", 2)[2])["/proc"][0] == "proc"
    _, init = containers.pids("mapped")
    assert os.stat(f"/proc/{init}").st_uid == 100000
    assert (tree / "told").stat().st_uid == 100000
    containers.virsh("destroy", "mapped")


def test_its_own_names_and_processes(containers: Containers):
    containers.create("named", tell("hostname", "echo $$", "ls /proc"))
    told = containers.told("named").split()
    assert told[:2] == ["named", "1"]
    assert "2" not in told[2:] or "3" in told[2:]
    assert containers.inside("named", "/bin/hostname") == "named"
    containers.virsh("destroy", "named")


def test_meminfo_is_the_containers_own(containers: Containers):
    containers.create("memory", tell("cat /proc/meminfo"))
    lines = dict(line.split(":") for line in containers.told("memory").splitlines())
    assert lines["MemTotal"].split() == [str(64 * 1024), "kB"]
    assert 0 < int(lines["MemFree"].split()[0]) < 64 * 1024
    assert containers.virsh("setmem", "memory", "48M") == ""
    assert "49152 kB" in containers.inside("memory", "/bin/grep", "MemTotal", "/proc/meminfo")
    containers.virsh("destroy", "memory")


def test_limits_are_the_groups(containers: Containers):
    tuned = "<cputune><shares>512</shares><period>100000</period><quota>50000</quota></cputune>"
    memory = "<memtune><hard_limit unit='MiB'>40</hard_limit></memtune>"
    containers.create("limited", extra=memory + tuned)
    assert "hard_limit     : 40960" in containers.virsh("memtune", "limited")
    shown = containers.virsh("schedinfo", "limited")
    assert all(f"{name:<15}: {value}" in shown for name, value in (("cpu_shares", 512), ("vcpu_quota", 50000)))
    containers.virsh("schedinfo", "limited", "--set", "cpu_shares=300")
    assert "cpu_shares     : 300" in containers.virsh("schedinfo", "limited")
    containers.virsh("destroy", "limited")


def test_namespaces_shared_with_another(containers: Containers):
    containers.create("owner", extra="<features><privnet/></features>")
    path = containers.write("guest")
    text = path.read_text().replace("<domain type='lxc'>", f"<domain type='lxc' xmlns:lxc='{LXC_NAMESPACE}'>")
    shares = (
        "<lxc:namespace><lxc:sharenet type='name' value='owner'/><lxc:shareuts type='pid' value='{}'/></lxc:namespace>"
    )
    _, owner = containers.pids("owner")
    path.write_text(text.replace("</domain>", shares.format(owner) + "</domain>"))
    card = "<interface type='ethernet'><ip address='192.0.2.77' prefix='30'/><guest dev='second0'/></interface>"
    path.write_text(path.read_text().replace("<console", f"{card}<console"))
    containers.virsh("create", str(path))
    assert "192.0.2.77/30" in containers.inside("owner", "/bin/ip", "address", "show", "second0")
    controller, guest = containers.pids("guest")
    assert os.readlink(f"/proc/{controller}/ns/net") == os.readlink("/proc/self/ns/net")
    same = {name: os.readlink(f"/proc/{owner}/ns/{name}") == os.readlink(f"/proc/{guest}/ns/{name}") for name in SPACES}
    assert same == {"net": True, "uts": True, "ipc": False, "pid": False, "mnt": False}
    containers.virsh("destroy", "guest")
    assert "second0" not in containers.inside("owner", "/bin/ip", "link")
    containers.virsh("destroy", "owner")


LXC_NAMESPACE = "http://libvirt.org/schemas/domain/lxc/1.0"
SPACES = ("net", "uts", "ipc", "pid", "mnt")
