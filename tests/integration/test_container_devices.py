# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container's network and devices, from its start and while it runs."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.containers import BUSYBOX, Containers, daemon

pytestmark = pytest.mark.skipif(not os.path.exists(BUSYBOX), reason="needs busybox-static")

#: Names that nobody else has.
BRIDGE = f"vtb{os.getpid() % 100000}"
CARD, CARD_PEER = f"vtc{os.getpid() % 100000}", f"vtp{os.getpid() % 100000}"


def ip(*command: str) -> list[dict[str, Any]]:
    """What iproute2 answers."""
    done = subprocess.run(["ip", "-json", *command], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout or "[]"))


def ports() -> set[str]:
    return set(os.listdir(f"/sys/class/net/{BRIDGE}/brif"))


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    """A bridge with an address, and a card whose cable ends here too."""
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("link", "add", CARD, "type", "veth", "peer", "name", CARD_PEER)
    ip("address", "add", "192.0.2.193/27", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    yield
    ip("link", "delete", BRIDGE)
    ip("link", "delete", CARD)


@pytest.fixture(scope="module")
def containers() -> Iterator[Containers]:
    yield from daemon()


def card(mac: str, body: str = "") -> str:
    return f"<interface type='bridge'><source bridge='{BRIDGE}'/><mac address='{mac}'/>{body}</interface>"


def test_an_interface_on_a_bridge(containers: Containers):
    body = (
        "<ip address='192.0.2.200' prefix='27'/><route address='198.51.100.0' prefix='24' gateway='192.0.2.193'/>"
        "<guest dev='lan0'/><mtu size='1400'/>"
    )
    script = "ping -c 1 -W 5 192.0.2.193 >/told; ip route >>/told; cat /sys/class/net/lan0/mtu >>/told; touch /done"
    containers.create("wired", script, card("52:54:00:aa:bb:01", body))
    told = containers.told("wired")
    assert "1 packets received" in told
    assert "198.51.100.0/24 via 192.0.2.193 dev lan0" in told
    assert told.split()[-1] == "1400"
    (tap,) = ports()
    assert f"<target dev='{tap}'/>" in containers.virsh("dumpxml", "wired")
    assert ip("link", "show", tap)[0]["address"] == "fe:54:00:aa:bb:01"
    assert "rx_bytes" in containers.virsh("domifstat", "wired", tap)
    containers.virsh("destroy", "wired")
    assert ports() == set()


def test_interfaces_come_and_go(containers: Containers, tmp_path: Path):
    containers.create("hot", "", card("52:54:00:aa:bb:02"))
    xml = tmp_path / "card.xml"
    xml.write_text(card("52:54:00:aa:bb:03", "<ip address='192.0.2.201' prefix='27'/>"))
    containers.virsh("attach-device", "hot", str(xml))
    assert "192.0.2.201/27" in containers.inside("hot", "/bin/ip", "address", "show", "eth1")
    assert len(ports()) == 2
    containers.virsh("detach-interface", "hot", "bridge", "--mac", "52:54:00:aa:bb:03")
    assert len(ports()) == 1
    assert "eth1" not in containers.inside("hot", "/bin/ip", "link")
    containers.virsh("destroy", "hot")


def test_a_macvlan_on_a_card_of_the_host(containers: Containers):
    containers.create(
        "direct",
        "ip link >/told; touch /done",
        f"<interface type='direct'><mac address='52:54:00:aa:bb:04'/><source dev='{CARD_PEER}' mode='bridge'/></interface>",
    )
    told = containers.told("direct")
    assert "eth0@" in told
    assert "52:54:00:aa:bb:04" in told
    containers.virsh("destroy", "direct")


def test_a_card_of_the_host_comes_back(containers: Containers):
    hostdev = f"<hostdev mode='capabilities' type='net'><source><interface>{CARD}</interface></source></hostdev>"
    containers.create("card", "", hostdev)
    assert CARD not in {link["ifname"] for link in ip("link")}
    assert CARD in containers.inside("card", "/bin/ip", "link")
    containers.virsh("destroy", "card")
    assert CARD in {link["ifname"] for link in ip("link")}


def test_a_bridge_that_is_not_there(containers: Containers):
    path = containers.write("lost", "", "<interface type='bridge'><source bridge='vtnone0'/></interface>")
    assert "Unable to add bridge vtnone0 port vnet0: No such device" in containers.fails("create", str(path))
    assert containers.left("lost") == []


def test_a_network_needs_a_driver_for_networks(containers: Containers):
    path = containers.write("nonet", "", "<interface type='network'><source network='nothing'/></interface>")
    assert "no network with matching name 'nothing'" in containers.fails("create", str(path))
    assert containers.left("nonet") == []


def test_privnet_alone_has_a_loopback_only(containers: Containers):
    containers.create("alone", "ip -o link >/told; touch /done", extra="<features><privnet/></features>")
    told = containers.told("alone")
    assert told.splitlines()[0].startswith("1: lo: <LOOPBACK,UP")
    assert "ether" not in told
    containers.virsh("destroy", "alone")


def test_device_nodes_come_and_go(containers: Containers, tmp_path: Path):
    containers.create("nodes")
    xml = tmp_path / "misc.xml"
    xml.write_text("<hostdev mode='capabilities' type='misc'><source><char>/dev/kmsg</char></source></hostdev>")
    probe = ("/bin/sh", "-c", "dd if=/dev/kmsg of=/dev/null bs=8192 count=1 2>/dev/null; echo $?")
    assert containers.inside("nodes", *probe) == "1"
    containers.virsh("attach-device", "nodes", str(xml))
    assert containers.inside("nodes", *probe) == "0"
    containers.virsh("detach-device", "nodes", str(xml))
    assert "kmsg" not in containers.inside("nodes", "/bin/ls", "/dev").split()
    groups = Path("/sys/fs/cgroup/devices/machine")
    for group in groups.glob("lxc-*-nodes.libvirt-lxc"):
        assert "c 1:11" not in (group / "devices.list").read_text()
    containers.virsh("destroy", "nodes")


def test_a_device_from_the_start(containers: Containers):
    misc = "<hostdev mode='capabilities' type='misc'><source><char>/dev/kmsg</char></source></hostdev>"
    containers.create("began", "dd if=/dev/kmsg of=/dev/null bs=8192 count=1; echo $? >/told; touch /done", misc)
    assert containers.told("began").strip() == "0"
    containers.virsh("destroy", "began")


def test_a_disk_that_is_an_image(containers: Containers, tmp_path: Path):
    image = tmp_path / "disk"
    image.write_bytes(b"first sector".ljust(1 << 20, b"\0"))
    disk = f"<disk type='file'><driver name='loop' type='raw'/><source file='{image}'/><target dev='sda'/></disk>"
    containers.create("disk", "head -c 12 /dev/sda >/told; echo changed | dd of=/dev/sda conv=fsync; touch /done", disk)
    assert containers.told("disk") == "first sector"
    containers.virsh("destroy", "disk")
    assert image.read_bytes().startswith(b"changed\n")
    assert str(image) not in subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout


def test_an_isolated_port(containers: Containers):
    containers.create("apart", "", card("52:54:00:aa:bb:07", "<port isolated='yes'/>"))
    (tap,) = ports()
    assert Path(f"/sys/class/net/{tap}/brport/isolated").read_text().strip() == "1"
    containers.virsh("destroy", "apart")


def test_traffic_to_a_container_is_limited(containers: Containers):
    rates = "<bandwidth><inbound average='128' peak='256' burst='64'/></bandwidth>"
    containers.create("slow", "", card("52:54:00:aa:bb:05", rates))
    (tap,) = ports()
    shown = subprocess.run(["tc", "class", "show", "dev", tap], capture_output=True, text=True, check=True).stdout
    assert "rate 1024Kbit ceil 2048Kbit burst 64Kb" in shown
    containers.virsh("destroy", "slow")


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("<vlan><tag id='4'/></vlan>", "vlan tag not supported for this connection type"),
        ("<virtualport type='openvswitch'/>", "cannot have a virtualport of type 'openvswitch'"),
    ],
)
def test_what_a_plain_bridge_cannot_do_is_told(containers: Containers, body: str, complaint: str):
    path = containers.write("fancy", "", card("52:54:00:aa:bb:06", body))
    assert complaint in containers.fails("create", str(path))
    assert containers.left("fancy") == []
    assert ports() == set()
