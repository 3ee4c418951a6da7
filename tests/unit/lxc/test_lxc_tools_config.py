# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions from the lxc tools' configuration files, of both generations."""

from __future__ import annotations

import pytest

from conf.domain import Domain, format_domain
from conf.errors import ConfError
from drivers.lxc.fromnative import parse
from drivers.lxc.fromnative.configfile import ConfigFile
from virtd.errors import Code, VirtError

HEAD = "lxc.rootfs = /r\nlxc.utsname = m\n"
VETH = "lxc.network.type = veth\nlxc.network.link = br0\n"


def xml(text: str) -> str:
    return format_domain(parse(HEAD + text))


def refusal(text: str) -> VirtError:
    with pytest.raises((VirtError, ConfError)) as raised:
        parse(text)
    error = raised.value
    return error if isinstance(error, VirtError) else VirtError.from_conf(error)


def test_what_goes_without_saying():
    domain = parse(HEAD)
    assert (domain.name, domain.memory, domain.os.init, domain.os.arch) == ("m", 65536, "/sbin/init", None)
    assert domain.features is not None
    assert domain.features.privnet
    assert "<capabilities policy='allow'/>" in format_domain(domain)


def test_the_newer_names_count_before_the_older():
    domain = parse(
        "lxc.rootfs = /old\nlxc.rootfs.path = /new\nlxc.utsname = old\nlxc.uts.name = new\nlxc.tty = 4\nlxc.tty.max = 1\n"
    )
    assert (domain.name, domain.devices.filesystems[0].source.dir, len(domain.devices.consoles)) == ("new", "/new", 1)


def test_values_go_to_the_end_of_their_line():
    config = ConfigFile('a = x # no comment \r\n\n  # one\nb=\'quoted\' # comment\nc="""long"""\na=again\nd =\n')
    assert config.settings == [("a", "x # no comment "), ("b", "quoted"), ("c", "long"), ("a", "again"), ("d", "")]
    assert (config.first("z", "a"), list(config.all("a")), config.first("z")) == (
        "x # no comment ",
        ["x # no comment ", "again"],
        None,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("foo\n", "memory conf:1: expecting an assignment"),
        ("a = 1\n= x\n", "memory conf:2: expecting a name"),
        ("foo-bar = x\n", "memory conf:1: expecting an assignment"),
        ("a = 'x\n", "memory conf:1: unterminated string"),
        ("a = 'x' y\n", "memory conf:1: expecting a separator"),
        ("a =", "memory conf:1: expecting a value"),
    ],
)
def test_what_is_no_such_file(text: str, complaint: str):
    error = refusal(text)
    assert (error.code, error.detail) == (Code.CONF_SYNTAX, complaint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lxc.arch = x86", "<type arch='i686'>exe</type>"),
        ("lxc.arch = amd64", "<type arch='x86_64'>exe</type>"),
        ("lxc.arch = armhf", "<type>exe</type>"),
        ("lxc.id_map = u 10 0 20\nlxc.idmap = g 30 0 40", "<gid start='0' target='30' count='40'/>"),
        ("lxc.cap.drop = mknod sys_module unheard_of", "<mknod state='off'/>"),
        ("lxc.cgroup.memory.limit_in_bytes = 1G", "<memory unit='KiB'>1048576</memory>"),
        ("lxc.cgroup.memory.memsw.limit_in_bytes = 2GB", "<swap_hard_limit unit='KiB'>1953125</swap_hard_limit>"),
        ("lxc.cgroup.cpu.cfs_quota_us = -1", "<quota>-1</quota>"),
        ("lxc.cgroup.cpuset.cpus = 0-3,^1", "<vcpu placement='static' cpuset='0,2-3'>1</vcpu>"),
        ("lxc.cgroup.cpuset.mems = 0", "<memory mode='strict' nodeset='0'/>"),
        ("lxc.cgroup.blkio.weight = 5000", "<weight>5000</weight>"),
        ("lxc.cgroup.blkio.throttle.write_iops_device = 8:0\t 7", "<write_iops_sec>7</write_iops_sec>"),
        ("lxc.mount.entry = /a b none ro,bind 0 0", "<target dir='/b'/>\n      <readonly/>"),
        ("lxc.mount.entry = /dev/sda e ext4 x", "<source dev='/dev/sda'/>"),
        ("lxc.mount.entry = tmpfs y tmpfs mode=1,size=1g", "<source usage='1048576' units='KiB'/>"),
        ("lxc.network.type = veth", "<interface type='ethernet'>"),
        (VETH + "lxc.network.flags = up", "<link state='up'/>"),
        (VETH + "lxc.network.hwaddr = 00:AA:bb:33:44:55", "<mac address='00:aa:bb:33:44:55'/>"),
        (VETH + "lxc.network.hwaddr = 00:AA:xx:xx:xx:xx", "<mac address='00:00:00:00:00:00'/>"),
        (VETH + "lxc.network.name = eth5", "<guest dev='eth5'/>"),
        (VETH + "lxc.network.ipv6.gateway = fe80::1", "<route family='ipv6' address='::' gateway='fe80::1'/>"),
        ("lxc.net.3.type = macvlan\nlxc.net.3.link = e", "<source dev='e' mode='private'/>"),
        ("lxc.net.3.type = macvlan\nlxc.net.3.link = e\nlxc.net.3.macvlan.mode = passthru", "mode='vepa'"),
        ("lxc.network.type = vlan\nlxc.network.link = e\nlxc.network.vlan.id = 2", "<interface>e.2</interface>"),
        ("lxc.net.0.type = phys\nlxc.net.0.link = e\nlxc.net.0.ipv4.address = 1.2.3.4/8", "<ip address='1.2.3.4' family='ipv4' prefix='8'/>"),
    ],
)  # fmt: skip
def test_settings(text: str, expected: str):
    assert expected in xml(text + "\n")


@pytest.mark.parametrize("text", ["lxc.network.type = none\n", "lxc.net.0.type = empty\n", "lxc.net.0.link = x\n"])
def test_who_speaks_of_networks_does_not_get_a_private_one(text: str):
    got = xml(text)
    assert "<privnet/>" not in got
    assert "<interface" not in got


def test_cards_in_the_order_in_which_they_come_up():
    got = xml(
        "lxc.net.1.type=veth\nlxc.net.1.link=b1\nlxc.net.0.type=veth\nlxc.net.0.link=b0\nlxc.net.1.flags=up\n" + VETH
    )
    assert got.index("bridge='b1'") < got.index("bridge='b0'") < got.index("bridge='br0'")


def test_mounts_that_every_container_has_are_left_out():
    domain = parse(HEAD + "lxc.mount.entry = proc proc proc x\nlxc.mount.entry = sysfs /sys sysfs x\n")
    assert len(domain.devices.filesystems) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lxc.mount = /etc/fstab", "argument unsupported: lxc.mount.fstab or lxc.mount found, use lxc.mount.entry lines instead"),
        ("lxc.mount.entry = tmpfs y tmpfs x", "internal error: missing tmpfs size, set the size option"),
        ("lxc.mount.entry = tmpfs y tmpfs size=10%", "internal error: can't convert relative size: '10%'"),
        ("lxc.mount.entry = /a b none", "internal error: invalid lxc.mount.entry: '/a b none'"),
        ("lxc.tty = x", "internal error: failed to parse int: 'x'"),
        ("lxc.tty = -1", "internal error: failed to parse int: '-1'"),
        ("lxc.tty = 2147483647", "internal error: too many terminals: '2147483647'"),
        ("lxc.idmap = u 0 1", "internal error: invalid lxc.idmap: 'u 0 1'"),
        ("lxc.cgroup.memory.limit_in_bytes = 5X", "internal error: failed to convert size: '5X'"),
        ("lxc.cgroup.memory.limit_in_bytes = 0", "XML error: Memory size must be specified via <memory> or in the <numa> configuration"),
        ("lxc.cgroup.cpu.shares = x", "internal error: failed to parse integer: 'x'"),
        ("lxc.cgroup.cpuset.cpus = x", "invalid argument: Failed to parse bitmap 'x'"),
        ("lxc.cgroup.blkio.device_weight = 8:0", "internal error: invalid lxc.cgroup.blkio.device_weight value: '8:0'"),
        ("lxc.cgroup.blkio.device_weight = 8:0 x", "internal error: failed to parse device weight: 'x'"),
        ("lxc.cgroup.blkio.throttle.read_bps_device = 8:0 x", "internal error: failed to parse read_bps_device: 'x'"),
        (VETH + "lxc.network.ipv4 = 1.2.3.4", "invalid argument: Invalid CIDR address: '1.2.3.4'"),
        (VETH + "lxc.network.ipv4 = 1.2.3.4/33", "invalid argument: Invalid CIDR address: '1.2.3.4/33'"),
        (VETH + "lxc.network.ipv4.gateway = auto", "XML error: Domain interface: Bad gateway address 'auto' in route definition"),
        (VETH + "lxc.network.mtu = 1400", "internal error: unknown network setting 'mtu'"),
        ("lxc.network.link = b", "internal error: 'lxc.network.link' comes before lxc.network.type"),
        ("lxc.net.type = veth", "internal error: lxc.net.type has no number"),
        ("lxc.network.type = phys", "unsupported configuration: Missing 'link' attribute for NIC"),
        ("lxc.arch = ppc64le", "invalid argument: could not find capabilities for ostype=exe arch=ppc64le domaintype=lxc "),
    ],
)  # fmt: skip
def test_what_cannot_be_translated(text: str, complaint: str):
    assert refusal(f"{HEAD}{text}\n").message == complaint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lxc.utsname = m\n", "internal error: Missing lxc.rootfs configuration"),
        ("lxc.rootfs = /r\n", "internal error: Missing lxc.utsname configuration"),
        ("lxc.rootfs = /r\nlxc.utsname = a/b\n", "XML error: name a/b cannot contain '/'"),
    ],
)
def test_what_every_file_has(text: str, complaint: str):
    assert refusal(text).message == complaint


def test_devices_of_one_number_have_one_element():
    limits = "lxc.cgroup.blkio.device_weight = 8:0 5\nlxc.cgroup.blkio.throttle.read_bps_device = 8:0 6\n"
    tune = _tune(parse(HEAD + limits))
    assert [(d.path, d.weight, d.read_bytes_sec) for d in tune.devices] == [("/dev/block/8:0", 5, 6)]


def _tune(domain: Domain):
    assert domain.blkiotune is not None
    return domain.blkiotune
