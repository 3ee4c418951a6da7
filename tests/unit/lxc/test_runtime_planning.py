# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the controller is told of a definition."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conf.domain import Domain, parse_domain
from drivers.lxc.controller.plan import Plan
from drivers.lxc.runtime import hostdevices, interfaces, limits, planning, privileges
from virtd.errors import VirtError

UUID = "2f63f03b-40a4-44dc-ba3f-3b105ee42869"


def domain(devices: str = "", extra: str = "", os_extra: str = "", name: str = "demo") -> Domain:
    return parse_domain(
        f"<domain type='lxc'><name>{name}</name><uuid>{UUID}</uuid><memory unit='MiB'>64</memory>{extra}"
        f"<os><type>exe</type><init>/sbin/init</init>{os_extra}</os><devices>{devices}</devices></domain>"
    )


def plan(definition: Domain, **context: Any) -> Plan:
    """The plan of a guest without a control group."""
    folder = Path("/run/lxc")
    paths = SimpleNamespace(socket=lambda n: folder / f"{n}.sock", mounts=lambda n: folder / f"{n}.dev")
    env = SimpleNamespace(privileged=context.pop("privileged", True))
    guests = SimpleNamespace(by_name=lambda name: context.get(name))
    guest = SimpleNamespace(
        name=definition.name,
        context=SimpleNamespace(paths=paths, env=env, guests=guests),
        require_active=lambda: definition,
        run=None,
    )
    made, descriptors = planning.make_plan(guest, None, [])  # type: ignore[arg-type]
    descriptors.close()
    return made


def test_a_small_container():
    made = plan(domain())
    assert made["init"]["argv"] == ["/sbin/init"]
    assert made["init"]["directory"] == "/"
    assert made["mounts"] == [{"kind": "bind", "source": "/", "target": "/", "readonly": False}]
    assert set(made["unshare"]) == {"mnt", "pid", "cgroup", "ipc", "uts"}
    assert made["socket"] == "/run/lxc/demo.sock"


@pytest.mark.parametrize(
    ("name", "hostname"), [("web-1.example", "web-1.example"), ("two words", "two"), ("x" * 80, "x" * 64)]
)
def test_the_host_name_is_the_guests_as_far_as_it_may(name: str, hostname: str):
    assert plan(domain(name=name))["hostname"] == hostname


def test_a_variable_of_the_definition_overrides_libvirts():
    made = plan(domain(os_extra="<initenv name='TERM'>vt100</initenv>", devices="<console type='pty'/>" * 3))
    assert made["init"]["environment"]["TERM"] == "vt100"
    assert made["init"]["environment"]["container_ttys"] == "pts/1 pts/2"


def test_a_network_of_its_own():
    assert "net" in plan(domain(extra="<features><privnet/></features>"))["unshare"]
    assert "net" in plan(domain("<interface type='ethernet'/>"))["unshare"]


def test_users_of_its_own():
    made = plan(
        domain(extra="<idmap><uid start='0' target='1000' count='10'/><gid start='0' target='7' count='3'/></idmap>")
    )
    assert "user" in made["unshare"]
    assert made["uids"] == [{"inside": 0, "outside": 1000, "count": 10}]
    assert made["gids"] == [{"inside": 0, "outside": 7, "count": 3}]


def test_the_root_stands_first_wherever_it_is_defined():
    made = plan(
        domain(
            "<filesystem type='ram'><source usage='4' units='KiB'/><target dir='/tmp/'/></filesystem>"
            "<filesystem type='mount'><source dir='/srv/tree'/><target dir='/'/><readonly/></filesystem>"
        )
    )
    assert [mount["target"] for mount in made["mounts"]] == ["/", "/tmp"]
    assert made["mounts"][0]["readonly"]
    assert made["mounts"][1]["size"] == 4096


@pytest.mark.parametrize(
    ("filesystem", "complaint"),
    [
        ("<filesystem type='template'><source name='debian'/><target dir='/x'/></filesystem>", "type template"),
        (
            "<filesystem type='file'><driver type='nbd' format='qcow2'/><source file='/i'/><target dir='/x'/></filesystem>",
            "fs driver nbd is not supported",
        ),
        (
            "<filesystem type='file'><driver type='loop' format='qcow2'/><source file='/i'/><target dir='/x'/></filesystem>",
            "fs format qcow2 is not supported",
        ),
    ],
)
def test_file_systems_that_containers_cannot_have(filesystem: str, complaint: str):
    with pytest.raises(VirtError, match=complaint):
        plan(domain(filesystem))


def test_names_of_network_devices_skip_those_that_are_taken():
    made = interfaces.plan_all(
        domain("<interface type='ethernet'><guest dev='eth0'/></interface>" + "<interface type='ethernet'/>" * 2)
    )
    assert [interface["guest"] for interface in made] == ["eth0", "eth1", "eth2"]


def test_names_that_were_made_up_are_made_up_again():
    made = interfaces.plan_all(
        domain(
            "<interface type='ethernet'><target dev='vnet7'/></interface>"
            "<interface type='ethernet'><target dev='uplink'/><link state='down'/></interface>"
        )
    )
    assert [(interface["host"], interface["up"]) for interface in made] == [("", True), ("uplink", False)]


def test_addresses_and_routes():
    (made,) = interfaces.plan_all(
        domain(
            "<interface type='ethernet'><ip address='10.0.0.5'/><ip address='fd00::5' prefix='48' peer='fd00::1'/>"
            "<route address='10.2.0.0' netmask='255.255.0.0' gateway='10.0.0.1' metric='5'/></interface>"
        )
    )
    assert made["addresses"] == [
        {"address": "10.0.0.5", "prefix": 24, "peer": None},
        {"address": "fd00::5", "prefix": 48, "peer": "fd00::1"},
    ]
    assert made["routes"] == [{"address": "10.2.0.0", "prefix": 16, "gateway": "10.0.0.1", "metric": 5}]


def test_a_type_of_interface_that_containers_cannot_have():
    with pytest.raises(VirtError, match="Unsupported network type user"):
        interfaces.plan_all(domain("<interface type='user'/>"))


def test_nodes_of_the_hosts_devices():
    misc = "<hostdev mode='capabilities' type='misc'><source><char>/dev/null</char></source></hostdev>"
    definition = domain(misc)
    assert hostdevices.nodes(definition) == [{"path": "null", "kind": "c", "major": 1, "minor": 3, "mode": 0o666}]
    assert str(limits.device_rules(definition)[-1]) == "c 1:3 rwm"


@pytest.mark.parametrize(
    ("device", "complaint"),
    [
        (
            "<hostdev mode='capabilities' type='misc'><source><char>/dev/nothing</char></source></hostdev>",
            "No such file",
        ),
        (
            "<hostdev mode='capabilities' type='storage'><source><block>/dev/null</block></source></hostdev>",
            "block device",
        ),
        ("<disk type='file'><source file='/i'/><target dev='sda'/></disk>", "non-block device"),
    ],
)
def test_devices_that_containers_cannot_have(device: str, complaint: str):
    with pytest.raises(VirtError, match=complaint):
        hostdevices.nodes(domain(device))


def test_capabilities_by_policy():
    usual = sorted(privileges.NUMBERS[name] for name in privileges.USUALLY_DENIED)
    assert sorted(privileges.dropped_capabilities(domain())) == usual
    allow = domain(extra="<features><capabilities policy='allow'><kill state='off'/></capabilities></features>")
    assert privileges.dropped_capabilities(allow) == [privileges.NUMBERS["kill"]]
    deny = domain(extra="<features><capabilities policy='deny'><kill state='on'/></capabilities></features>")
    assert set(range(41)) - set(privileges.dropped_capabilities(deny)) >= {privileges.NUMBERS["kill"]}
    assert privileges.NUMBERS["kill"] not in privileges.dropped_capabilities(deny)


@pytest.mark.parametrize(
    ("names", "user"),
    [
        ("", None),
        ("<inituser>root</inituser>", [0, 0]),
        ("<inituser>+12</inituser><initgroup>34</initgroup>", [12, 34]),
        ("<initgroup>root</initgroup>", [0, 0]),
    ],
)
def test_the_user_of_init(names: str, user: list[int] | None):
    assert privileges.user(domain(os_extra=names)) == user


def test_a_user_that_nobody_knows():
    with pytest.raises(VirtError, match="User nobody-like-this doesn't exist"):
        privileges.user(domain(os_extra="<inituser>nobody-like-this</inituser>"))


def test_limits_of_the_definition():
    tuned = domain(
        extra="<memtune><hard_limit>4096</hard_limit></memtune><cputune><shares>300</shares><quota>2000</quota></cputune>"
    )
    assert limits.settings(tuned) == {"memory": 4096, "shares": 300, "quota": 2000}
    assert limits.settings(domain()) == {"memory": 65536}


@pytest.mark.parametrize(
    ("partition", "group"),
    [
        ("", "machine/lxc-1-demo.libvirt-lxc"),
        ("/machine", "machine/lxc-1-demo.libvirt-lxc"),
        ("/machine/production", "machine/production.partition/lxc-1-demo.libvirt-lxc"),
        ("/machine.slice/../../x", "machine.slice/x.partition/lxc-1-demo.libvirt-lxc"),
    ],
)
def test_partitions(partition: str, group: str):
    extra = f"<resource><partition>{partition}</partition></resource>" if partition else ""
    assert limits.group_name(domain(extra=extra), "lxc-1-demo") == group
