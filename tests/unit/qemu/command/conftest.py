# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest that stands ready to start, and an emulator that can do everything asked of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conf.domain import Domain, parse_domain
from drivers.qemu import command
from drivers.qemu.capabilities import flags
from drivers.qemu.capabilities.model import Capabilities, CpuFacts, MachineType
from drivers.qemu.settings import QemuSettings

MACHINES = (
    MachineType(name="pc-i440fx-9.0", alias="pc", max_cpus=255, default_cpu="qemu64", default_ram_id="pc.ram"),
    MachineType(name="pc-q35-9.0", alias="q35", max_cpus=288, default_ram_id="pc.ram", numa_mem_supported=False),
)

ALL_FLAGS = frozenset(
    {*flags.COMMANDS.values(), *flags.TYPES.values(), *flags.SCHEMA.values(), "no-acpi", "no-hpet", "cpu.migratable"}
    | {
        flag
        for table in (flags.DEVICE_PROPERTIES, flags.OBJECT_PROPERTIES, flags.OPTIONS)
        for f in table.values()
        for flag in f.values()
    }
)

CAPABILITIES = Capabilities(
    path="/usr/bin/qemu-system-x86_64",
    arch="x86_64",
    host_arch="x86_64",
    version=9000000,
    kvm=True,
    machines=MACHINES,
    flags=ALL_FLAGS,
    cpus={"kvm": CpuFacts(), "qemu": CpuFacts()},
)

CONTEXT = command.Context(
    domain_dir="/lib/domain-1-g",
    channel_dir="/lib/channel/target/domain-1-g",
    state_dir="/run/qemu",
    memory_dir="/lib/ram",
    settings=QemuSettings(),
    hugepages={2048: "/dev/hugepages"},
    default_hugepage=2048,
    now=lambda: 1_000_000_000.0,
)

CONTROLLERS = """
<controller type='pci' index='0' model='pci-root'><alias name='pci.0'/></controller>
<controller type='usb' index='0' model='piix3-uhci'><alias name='usb'/>
  <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x2'/></controller>
<controller type='virtio-serial' index='0'><alias name='virtio-serial0'/>
  <address type='pci' domain='0x0000' bus='0x00' slot='0x1d' function='0x0'/></controller>
<controller type='scsi' index='0' model='virtio-scsi'><alias name='scsi0'/>
  <address type='pci' domain='0x0000' bus='0x00' slot='0x1e' function='0x0'/></controller>
<controller type='sata' index='0'><alias name='sata0'/>
  <address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x0'/></controller>
<controller type='ccid' index='0'><alias name='ccid0'/><address type='usb' bus='0' port='2'/></controller>
"""


def domain_xml(inside: str = "", devices: str = "", *, type_: str = "kvm", controllers: str = CONTROLLERS) -> str:
    machine = "" if "<os>" in inside else "<os><type arch='x86_64' machine='pc-i440fx-9.0'>hvm</type></os>"
    memory = "" if inside.startswith("<memory ") else "<memory>1048576</memory>"
    return (
        f"<domain type='{type_}' id='1' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name>"
        f"<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>{memory}{machine}{inside}"
        f"<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{controllers}{devices}</devices></domain>"
    )


Build = Callable[..., command.CommandLine]


@pytest.fixture
def build() -> Build:
    """Builds the line of a domain made of the pieces given; `changes` are of the context."""

    def run(
        inside: str = "", devices: str = "", *, without: tuple[str, ...] = (), **changes: Any
    ) -> command.CommandLine:
        shape = {name: changes.pop(name) for name in ("type_", "controllers") if name in changes}
        domain: Domain = parse_domain(domain_xml(inside, devices, **shape), inactive=False)
        caps = CAPABILITIES.model_copy(update={"flags": ALL_FLAGS - set(without)})
        return command.build(domain, caps, replace(CONTEXT, **changes))

    return run


def values(line: command.CommandLine, option: str) -> list[str]:
    """All values of an option."""
    return [line.argv[i + 1] for i, word in enumerate(line.argv[:-1]) if word == option]


def device(line: command.CommandLine, id_: str) -> dict[str, Any]:
    """The -device of this id."""
    [found] = [d for d in map(json.loads, values(line, "-device")) if d.get("id") == id_]
    assert isinstance(found, dict)
    return found
