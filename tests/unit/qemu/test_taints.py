# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest is tainted by, and who is told."""

from __future__ import annotations

import pytest

from conf.domain import parse_domain
from drivers.qemu.capabilities.model import Capabilities, CpuDefinition, CpuFacts, MachineType
from drivers.qemu.settings import Account
from drivers.qemu.taints import deprecations, taints
from tests.fakes.guests import World, guest_xml

CAPABILITIES = Capabilities(
    path="/qemu",
    arch="x86_64",
    host_arch="x86_64",
    version=7002000,
    machines=(MachineType(name="old", deprecated=True), MachineType(name="new")),
    cpus={"qemu": CpuFacts(models=(CpuDefinition(name="ancient", typename="ancient-cpu", deprecated=True),))},
)


@pytest.mark.parametrize(
    ("inside", "machine", "told"),
    [
        ("", "new", []),
        ("<cpu mode='host-passthrough'/>", "new", ["use of host cpu passthrough"]),
        ("<cpu mode='custom'><model>ancient</model></cpu>", "new", ["use of deprecated configuration settings"]),
        ("", "old", ["use of deprecated configuration settings"]),
        (
            "<devices><interface type='ethernet'><script path='/x'/></interface></devices>",
            "new",
            ["network configuration using opaque shell scripts"],
        ),
    ],
)
def test_a_definition(inside: str, machine: str, told: list[str]):
    domain = parse_domain(
        f"<domain type='qemu'><name>g</name><memory>1024</memory><os><type machine='{machine}'>hvm</type></os>{inside}</domain>"
    )
    assert list(taints(domain, CAPABILITIES, Account(1, 1), privileged=True)) == told
    assert list(taints(domain, CAPABILITIES, None, privileged=True))[1:] == told
    assert bool(list(deprecations(domain, CAPABILITIES))) == ("use of deprecated configuration settings" in told)


async def test_who_asks_is_told(world: World):
    ref = await world.define(guest_xml())
    await world.run(ref)
    guest = world.guest(ref)
    guest.taint("a")
    guest.deprecations.append("machine type 'old'")
    guest.messages.append("a pivot was settled")
    old = "deprecated configuration: machine type 'old'"
    assert world.api.domain_get_messages(ref, 0) == ["tainted: a", old, "a pivot was settled"]
    assert world.api.domain_get_messages(ref, 1) == [old]
    assert world.api.domain_get_messages(ref, 2) == ["tainted: a"]
