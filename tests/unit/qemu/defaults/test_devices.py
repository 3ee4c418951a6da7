# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defaults of single devices, processors, firmware and character devices."""

from __future__ import annotations

import re

import pytest

from conf.domain import Domain
from drivers.qemu.capabilities.firmware import Firmware, Target
from drivers.qemu.defaults.firmware import select_firmware
from drivers.qemu.facts import Site
from tests.fakes.emulators import define
from virtd.errors import Code, VirtError

ACPI = "<features><acpi/></features>"


def test_disks() -> None:
    disks = define(
        "<disk type='file'><source file='/a'/><target dev='vda'/></disk>"
        "<disk type='volume'><source pool='p' volume='v'/><target dev='vdb'/></disk>"
        "<disk type='network'><source protocol='http' name='a'><host name='h'/></source><target dev='vdc'/></disk>"
    ).devices.disks
    assert [(d.driver.name, d.driver.type) for d in disks if d.driver] == [
        ("qemu", "raw"),
        ("qemu", None),
        ("qemu", "raw"),
    ]
    assert disks[2].source
    assert disks[2].source.hosts[0].port == 80


def test_interfaces_get_a_mac_and_a_model() -> None:
    first, second = define(
        "<interface type='user'/><interface type='user'><model type='E1000'/></interface>"
    ).devices.interfaces
    assert first.mac
    assert re.fullmatch("52:54:00(:[0-9a-f]{2}){3}", first.mac.address or "")
    assert [i.model.type for i in (first, second) if i.model] == ["rtl8139", "e1000"]


@pytest.mark.parametrize(
    ("arch", "machine", "model"),
    [("aarch64", "virt", "virtio"), ("s390x", "s390-ccw-virtio", "virtio"), ("ppc64", "pseries", "rtl8139")],
)
def test_interface_models_of_machines(arch: str, machine: str, model: str) -> None:
    (interface,) = define("<interface type='user'/>", arch=arch, machine=machine).devices.interfaces
    assert interface.model
    assert interface.model.type == model


def serials(domain: Domain) -> list[tuple[str | None, int | None, str | None]]:
    return [(t.type, t.port, t.model.name if t.model else None) for s in domain.devices.serials if (t := s.target)]


@pytest.mark.parametrize(
    ("arch", "machine", "kind", "model"),
    [
        ("x86_64", "pc", "isa-serial", "isa-serial"),
        ("aarch64", "virt", "system-serial", "pl011"),
        ("riscv64", "virt", "system-serial", "16550a"),
        ("ppc64", "pseries", "spapr-vio-serial", "spapr-vty"),
        ("s390x", "s390-ccw-virtio", "sclp-serial", "sclpconsole"),
    ],
)
def test_a_console_is_the_machines_serial_port(arch: str, machine: str, kind: str, model: str) -> None:
    assert serials(define("<console type='pty'/>", arch=arch, machine=machine)) == [(kind, 0, model)]


def test_a_serial_port_is_the_console() -> None:
    (console,) = define("<serial type='pty'/>").devices.consoles
    assert console.is_serial
    assert define("<serial type='pty'><target type='pci-serial'/></serial>").devices.consoles == []


def test_serial_ports_are_numbered_above_those_that_have_a_number() -> None:
    domain = define("<serial type='pty'/><serial type='pty'><target port='4'/></serial><serial type='pty'/>")
    assert [port for _, port, _ in serials(domain)] == [5, 4, 6]


def test_only_one_console_is_a_serial_port() -> None:
    with pytest.raises(VirtError, match="Only the first console can be a serial port"):
        define("<console type='pty'/><console type='pty'/>")


@pytest.mark.parametrize(
    ("virt_type", "xml", "expected"),
    [
        ("qemu", "", ("custom", "exact", "none", "qemu64")),
        ("kvm", "", ("custom", "exact", "none", "qemu64")),
        ("kvm", "<cpu><model>Haswell</model></cpu>", ("custom", "exact", "partial", "Haswell")),
        ("qemu", "<cpu match='minimum'><model>Haswell</model></cpu>", ("custom", "minimum", "none", "Haswell")),
        ("qemu", "<cpu mode='host-model'/>", ("host-model", None, "partial", None)),
        ("qemu", "<cpu mode='host-passthrough'/>", ("host-passthrough", None, "none", None)),
    ],
)
def test_processors(virt_type: str, xml: str, expected: tuple[str | None, ...]) -> None:
    cpu = define(virt_type=virt_type, extra=xml).cpu
    assert cpu
    assert (cpu.mode, cpu.match, cpu.check_, cpu.model.name if cpu.model else None) == expected


def test_power_generations_and_processors_without_a_name() -> None:
    power = define(arch="ppc64", machine="pseries").cpu
    assert power
    assert power.model
    assert power.model.name == "POWER9"


def test_machine_and_boot_order() -> None:
    domain = define()
    assert domain.os.machine == "pc-i440fx-7.2"
    assert [boot.dev for boot in domain.os.boots] == ["hd"]
    booting = "<disk type='file'><source file='/a'/><target dev='vda'/><boot order='1'/></disk>"
    assert define(booting).os.boots == []


def test_processors_nobody_claimed_go_to_the_first_node() -> None:
    cells = "<cpu><numa><cell id='0' cpus='0' memory='1024'/><cell id='1' cpus='2' memory='1024'/></numa></cpu>"
    cpu = define(extra=f"<vcpu>4</vcpu>{cells}").cpu
    assert cpu
    assert cpu.numa
    assert [cell.cpus for cell in cpu.numa.cells] == ["0-1,3", "2"] or cpu.numa.cells[0].cpus == "0,1,3"


def test_variables_of_a_flash_image_get_a_file() -> None:
    flash = "<loader readonly='yes' type='pflash'>/code.fd</loader>"
    nvram = define(machine="q35", inside_os=flash, extra=ACPI).os.nvram
    assert nvram
    assert nvram.path == "/var/lib/libvirt/qemu/nvram/guest_VARS.fd"
    assert define(inside_os="<loader>/bios.bin</loader>").os.loader.type == "rom"  # type: ignore[union-attr]


def firmware(path: str, *features: str) -> Firmware:
    return Firmware(
        interfaces=frozenset({"uefi"}),
        device="flash",
        executable=path,
        format="raw",
        nvram_template=f"{path}.vars",
        nvram_format="raw",
        targets=(Target("x86_64", ("pc-q35-*",)),),
        features=frozenset(features),
    )


def automatic(features: str = "") -> Domain:
    domain = define(machine="q35", extra=f"<features><acpi/>{features}</features>")
    domain.os.firmware = "efi"
    return domain


def test_the_first_firmware_that_suits_is_taken() -> None:
    domain = automatic()
    select_firmware(domain, [firmware("/secure", "secure-boot", "requires-smm"), firmware("/plain")], Site())
    assert domain.os.firmware is None
    assert domain.os.loader
    assert (domain.os.loader.path, domain.os.loader.secure) == ("/secure", True)
    assert domain.os.nvram
    assert domain.os.nvram.template == "/secure.vars"
    assert domain.features
    assert domain.features.smm


def test_no_firmware_suits() -> None:
    with pytest.raises(VirtError, match="Unable to find any firmware to satisfy 'efi'") as caught:
        select_firmware(automatic(), [], Site())
    assert caught.value.code == Code.OPERATION_FAILED


def test_a_firmware_that_needs_what_is_switched_off() -> None:
    with pytest.raises(VirtError, match="SMM turned off") as caught:
        select_firmware(automatic("<smm state='off'/>"), [firmware("/secure", "requires-smm")], Site())
    assert caught.value.code == Code.OPERATION_INVALID


def test_generated_channel_paths_are_dropped() -> None:
    channel = "<channel type='unix'><source mode='bind' path='{}'/><target type='virtio' name='agent'/></channel>"
    made = define(channel.format("/run/domain-7-guest/agent")).devices.channels[0]
    chosen = define(channel.format("/run/mine/agent")).devices.channels[0]
    assert made.source is None
    assert chosen.source is not None
