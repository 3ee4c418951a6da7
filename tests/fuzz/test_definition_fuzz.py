# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged definitions on their whole way: read, completed, checked, written, read again, made into a command line."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conf.domain import Domain, format_domain, parse_domain
from conf.errors import ConfError
from drivers.common.cpu.cpu_map import CpuMap
from drivers.lxc import fromnative
from drivers.lxc.prepare import settle
from drivers.qemu.command import native
from drivers.qemu.command.native import native_line
from drivers.qemu.defaults import prepare_definition
from tests.fakes.emulators import FakeEmulator, FakeMachine
from tests.fuzz.damage import damage
from tests.fuzz.pieces import assembled
from tests.unit.qemu.command.conftest import CAPABILITIES
from tests.unit.qemu.command.test_native_line import native_context
from virtd.errors import VirtError

SECONDS = 6
SEED = 20230115
#: Seconds of this process for one document; they have a hundred lines or so.
LIMIT = 1.0
X86 = "<os>\n<type arch='x86_64' machine='{}'>hvm</type>\n</os>"
FOREIGN = {"aarch64": "virt", "ppc64": "pseries", "s390x": "s390-ccw-virtio", "riscv64": "virt"}
CONTAINER = "<os>\n<type arch='x86_64'>exe</type>\n<init>/bin/sh</init>\n</os>"
TOOLS_CONFIG = """\
lxc.rootfs = /r
lxc.utsname = m
lxc.arch = i686
lxc.tty = 2
lxc.network.type = veth
lxc.network.link = br0
lxc.network.hwaddr = 52:54:00:00:00:01
lxc.network.ipv4 = 10.0.0.5/24
lxc.network.ipv4.gateway = 10.0.0.1
lxc.network.type = vlan
lxc.network.link = eth0
lxc.network.vlan.id = 2
lxc.mount.entry = tmpfs run tmpfs size=8m,mode=0755 0 0
lxc.cgroup.memory.limit_in_bytes = 1G
lxc.cgroup.cpuset.cpus = 1,2,5-7
lxc.cgroup.blkio.throttle.read_bps_device = 8:0 1234
lxc.cap.drop = mac_admin mac_override
lxc.id_map = u 0 100000 10000
lxc.id_map = g 0 100000 10000
"""


def count(documents: Callable[[random.Random], str], follow: Callable[[str], object]) -> tuple[int, int]:
    """How many documents were accepted and refused: with our own errors, and in time."""
    rng = random.Random(SEED)
    end = time.monotonic() + SECONDS
    accepted = refused = 0
    while time.monotonic() < end:
        source = documents(rng)
        start = time.process_time()
        try:
            follow(source)
            accepted += 1
        except (ConfError, VirtError):
            refused += 1
        assert time.process_time() - start < LIMIT, source
    return accepted, refused


def completed(source: str, complete: Callable[[Domain], None]) -> Domain:
    """The definition, after it was written and read as a restarting daemon does."""
    first = parse_domain(source)
    complete(first)
    again = parse_domain(format_domain(first, secure=True))
    complete(again)
    for options in ({"migratable": True}, {"inactive": False}):
        format_domain(again, **options)
    return again


def test_guests_of_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "load_cpu_map", lambda arch: CpuMap())
    context = native_context(tmp_path)

    def document(rng: random.Random) -> str:
        source = assembled(rng, X86.format(rng.choice(("pc", "q35"))), rng.choice(("kvm", "qemu")))
        return damage(source, rng) if rng.random() < 0.7 else source

    def complete(domain: Domain) -> None:
        domain.devices.emulator = CAPABILITIES.path
        prepare_definition(domain, CAPABILITIES, context.site)

    def follow(source: str) -> None:
        native_line(completed(source, complete), CAPABILITIES, context).as_shell()

    accepted, refused = count(document, follow)
    assert accepted > 20
    assert refused > 50


@pytest.mark.parametrize("arch", FOREIGN)
def test_guests_of_other_architectures(arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.test_definition_fuzz.SECONDS", SECONDS / 3)
    system = f"<os>\n<type arch='{arch}' machine='{FOREIGN[arch]}'>hvm</type>\n</os>"

    class Emulator(FakeEmulator):
        def machine(self, name: str, virt_type: str) -> FakeMachine | None:
            return super().machine(name, virt_type) or super().machine(FOREIGN[arch], virt_type)

    def document(rng: random.Random) -> str:
        return damage(assembled(rng, system, "qemu"), rng)

    accepted, refused = count(
        document, lambda source: completed(source, lambda domain: prepare_definition(domain, Emulator(arch)))
    )
    assert accepted > 10
    assert refused > 10


def test_containers() -> None:
    def document(rng: random.Random) -> str:
        return damage(assembled(rng, CONTAINER, "lxc"), rng)

    accepted, refused = count(document, lambda source: completed(source, settle))
    assert accepted > 20
    assert refused > 50


def test_configuration_files_of_the_lxc_tools() -> None:
    words = sorted({word for line in TOOLS_CONFIG.splitlines() for word in line.split(" = ")})

    def document(rng: random.Random) -> str:
        lines = TOOLS_CONFIG.splitlines(keepends=True)
        for _ in range(rng.randint(0, 3)):
            lines[rng.randrange(len(lines))] = f"{rng.choice(words)} = {rng.choice(words)}\n"
        return damage("".join(lines), rng)

    accepted, refused = count(document, lambda source: format_domain(fromnative.parse(source)))
    assert accepted > 50
    assert refused > 50
