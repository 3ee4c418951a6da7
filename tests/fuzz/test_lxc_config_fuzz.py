# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lxc tools' configuration in any state of damage: a definition or a complaint, and what becomes one can be read again."""

from __future__ import annotations

import random
import time

import pytest

from conf.domain import format_domain, parse_domain
from conf.errors import ConfError
from drivers.lxc.fromnative import parse
from virtd.errors import VirtError

SAMPLE = """\
lxc.rootfs.path = /var/lib/lxc/c/rootfs
lxc.uts.name = c
lxc.arch = amd64
lxc.tty.max = 2
lxc.cap.drop = mknod sys_module
lxc.idmap = u 0 0 1000
lxc.idmap = g 0 0 1000
lxc.mount.entry = /etc data none bind,ro 0 0
lxc.mount.entry = tmpfs run tmpfs size=8m 0 0
lxc.net.0.type = veth
lxc.net.0.link = br0
lxc.net.0.hwaddr = 02:00:15:8f:05:c1
lxc.net.0.ipv4.address = 192.168.122.2/24
lxc.net.0.ipv4.gateway = 192.168.122.1
lxc.net.1.type = phys
lxc.net.1.link = eth0
lxc.cgroup.memory.limit_in_bytes = 1G
lxc.cgroup.cpuset.cpus = 0-1
lxc.cgroup.blkio.throttle.read_bps_device = 8:16 1234
"""
#: What damage is made of.
BITS = (
    "lxc.",
    "=",
    "\n",
    " ",
    "/",
    ".",
    "0",
    "-1",
    "9" * 20,
    "%",
    '"',
    "'",
    "\0",
    "é",
    "#",
    "net.",
    "x",
    "::",
    ",",
    "\t",
)
SECONDS = 5
SEED = 20241123


def damaged(rng: random.Random) -> str:
    text = SAMPLE
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + (rng.choice(BITS) if rng.random() < 0.6 else "") + text[at + rng.randint(0, 9) :]
    return text


def test_damaged_files() -> None:
    rng, end = random.Random(SEED), time.monotonic() + SECONDS
    made = refused = 0
    while time.monotonic() < end:
        text = damaged(rng)
        try:
            written = format_domain(parse(text))
        except (VirtError, ConfError):
            refused += 1
            continue
        made += 1
        assert written.startswith("<domain type='lxc'>")
    assert made
    assert refused


def test_the_sample_can_be_read_again() -> None:
    written = format_domain(parse(SAMPLE))
    assert format_domain(parse_domain(written)) == written


@pytest.mark.parametrize("size", [10, 10_000])
def test_long_files_take_no_longer_than_they_are(size: int) -> None:
    begun = time.monotonic()
    parse(SAMPLE + "lxc.foo = bar\n" * size + "".join(f"lxc.net.{i}.type = veth\n" for i in range(2, size // 10)))
    assert time.monotonic() - begun < 5
