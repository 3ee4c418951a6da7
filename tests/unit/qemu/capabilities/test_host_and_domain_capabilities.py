# SPDX-License-Identifier: LGPL-2.1-or-later
"""The capabilities documents, from facts made up here."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from conf.capabilities import format_capabilities, format_domain_capabilities
from drivers.common.cpu.cpu_map import CpuMap
from drivers.common.topology import cpu_topology, numa_topology, parse_ranges, read_cpus
from drivers.qemu.capabilities.cache import CapabilitiesCache
from drivers.qemu.capabilities.domain import domain_capabilities
from drivers.qemu.capabilities.firmware import load_firmwares
from drivers.qemu.capabilities.host import describe_guests, describe_host
from drivers.qemu.capabilities.model import Capabilities, CpuDefinition, CpuFacts, MachineType, Summary
from drivers.qemu.capabilities.part import CapabilitiesPart
from virtd.errors import Code, VirtError
from virtd.tasks import TaskOwner

MACHINES = (
    MachineType(name="pc-q35-9.0", alias="q35", max_cpus=288),
    MachineType(name="pc-i440fx-9.0", alias="pc", max_cpus=255),
    MachineType(name="pc-i440fx-1.4", max_cpus=255, deprecated=True),
)
X86 = Capabilities(
    path="/bin/qemu",
    arch="x86_64",
    host_arch="x86_64",
    version=9000000,
    kvm=True,
    default_machine="pc-i440fx-9.0",
    machines=MACHINES,
    flags=frozenset({"VGA", "vnc", "virtio-rng", "rng-random", "tpm-tis", "tpm-emulator", "cpu-max", "iothread"}),
    cpus={"kvm": CpuFacts(models=(CpuDefinition(name="old", typename="o", blockers=("pni",)),))},
)


def domain_xml(machine: str, folder: Path) -> str:
    found = domain_capabilities(X86, "kvm", "x86_64", X86.machine(machine), CpuMap(), load_firmwares((folder,)))
    return format_domain_capabilities(found)


def test_guests_begin_with_the_default_machine() -> None:
    [guest] = describe_guests([("x86_64", X86)])
    assert [(m.name, m.canonical) for m in guest.arch.machines] == [
        ("pc-i440fx-9.0", None),
        ("pc", "pc-i440fx-9.0"),
        ("pc-q35-9.0", None),
        ("q35", "pc-q35-9.0"),
        ("pc-i440fx-1.4", None),
    ]
    assert [d.type for d in guest.arch.domains] == ["qemu", "kvm"]
    assert guest.features.acpi is not None


def test_the_document_has_libvirts_form() -> None:
    riscv = Summary(path="/bin/q", arch="riscv64", host_arch="x86_64", version=1, machines=MACHINES[2:])
    xml = format_capabilities(describe_host("alpha", []), describe_guests([("riscv64", riscv)]))
    assert xml.startswith("<capabilities>\n\n  <host>\n")
    assert "    <power_management" in xml
    assert xml.endswith(
        "  </host>\n\n  <guest>\n    <os_type>hvm</os_type>\n    <arch name='riscv64'>\n"
        "      <wordsize>64</wordsize>\n      <emulator>/bin/q</emulator>\n"
        "      <machine maxCpus='255' deprecated='yes'>pc-i440fx-1.4</machine>\n      <domain type='qemu'/>\n"
        "    </arch>\n    <features>\n      <cpuselection/>\n      <deviceboot/>\n"
        "      <disksnapshot default='on' toggle='no'/>\n    </features>\n  </guest>\n\n</capabilities>\n"
    )


def test_what_an_emulator_has_can_be_chosen(tmp_path: Path) -> None:
    xml = domain_xml("pc", tmp_path)
    assert "<vcpu max='255'/>" in xml
    assert "<value>ide</value>" in xml
    assert "<model usable='no' vendor='unknown'>old</model>" in xml
    assert "<redirdev supported='no'/>" in xml
    assert "<enum name='type'>\n        <value>vnc</value>\n      </enum>" in xml
    assert "<value>ide</value>" not in domain_xml("q35", tmp_path)


def test_a_tpm_that_could_not_be_started_is_not_offered(tmp_path: Path) -> None:
    xml = domain_xml("pc", tmp_path)
    assert "<tpm supported='yes'>" in xml
    assert "<value>external</value>" in xml
    assert "<value>emulator</value>" not in xml  # virt-install would give one to each guest with UEFI


def test_firmware_that_fits_is_listed(tmp_path: Path) -> None:
    image = tmp_path / "code.fd"
    image.touch()
    descriptor = {
        "interface-types": ["uefi"],
        "mapping": {"device": "flash", "executable": {"filename": str(image), "format": "raw"}},
        "targets": [{"architecture": "x86_64", "machines": ["pc-q35-*"]}],
        "features": ["requires-smm"],
    }
    (tmp_path / "10-a.json").write_text(json.dumps(descriptor))
    (tmp_path / "20-b.json").write_text("{ nonsense")
    (tmp_path / "30-c.json").write_text("")
    xml = domain_xml("q35", tmp_path)
    assert f"<value>{image}</value>" in xml
    assert "<enum name='firmware'>\n      <value>efi</value>" in xml
    assert "<enum name='secure'>\n        <value>yes</value>" in xml
    assert str(image) not in domain_xml("pc", tmp_path)


def test_sysfs_is_understood(tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / f"cpu/cpu{number}/topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text("0\n")
        (folder / "core_id").write_text(f"{number // 2}\n")
        (folder / "thread_siblings_list").write_text("0-1\n" if number < 2 else "2-3\n")
    (tmp_path / "cpu/online").write_text("0-3\n")
    for number, cpus in enumerate(("0-1", "2-3")):
        folder = tmp_path / f"node/node{number}"
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(f"{cpus}\n")
        (folder / "meminfo").write_text(f"Node {number} MemTotal:  4096 kB\n")
        (folder / "distance").write_text("10 20\n" if number == 0 else "20 10\n")
    (tmp_path / "node/online").write_text("0-1\n")
    cpus = read_cpus(tmp_path)
    counts = cpu_topology(cpus)
    assert (counts.sockets, counts.dies, counts.cores, counts.threads) == (1, 1, 2, 2)
    cells = numa_topology(cpus, [4], tmp_path).cells.cells
    assert [(c.id, c.memory, c.cpus.num, c.pages[0].count) for c in cells] == [(0, 4096, 2, 1024), (1, 4096, 2, 1024)]
    assert [s.value for s in cells[1].distances] == [20, 10]
    assert [c.siblings for c in cells[1].cpus.cpus] == ["2-3", "2-3"]
    assert parse_ranges("0-2,8,10-11") == [0, 1, 2, 8, 10, 11]


@pytest.fixture
def part(tmp_path: Path) -> CapabilitiesPart:
    context = SimpleNamespace(capabilities=CapabilitiesCache(tmp_path, TaskOwner("test")))
    return CapabilitiesPart(context)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((None, "foo", None, None), Code.INVALID_ARG, "unknown architecture: foo"),
        ((None, None, None, "foo"), Code.INVALID_ARG, "unknown virttype: foo"),
        ((None, "itanium", None, None), Code.CONFIG_UNSUPPORTED, "unable to find any emulator to serve 'itanium'"),
        (("/bin/nope", None, None, None), Code.SYSTEM_ERROR, "Cannot check QEMU binary /bin/nope: No such file"),
    ],
)
async def test_questions_that_cannot_be_answered(
    part: CapabilitiesPart, arguments: tuple[str | None, ...], code: Code, words: str
) -> None:
    with pytest.raises(VirtError, match=words) as raised:
        await part.connect_get_domain_capabilities(*arguments, 0)  # type: ignore[arg-type, call-arg]
    assert raised.value.code == code


async def test_cpu_model_names(part: CapabilitiesPart) -> None:
    assert await part.connect_get_cpu_model_names("s390x", 0) == []
    for arch, code in (("foo", Code.INVALID_ARG), ("alpha", Code.NO_SUPPORT)):
        with pytest.raises(VirtError) as raised:
            await part.connect_get_cpu_model_names(arch, 0)
        assert raised.value.code == code
