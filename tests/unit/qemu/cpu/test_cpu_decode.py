# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which named model a set of CPU features comes to, over a small map of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.common.cpu.cpu_map import CpuMap, load_cpu_map
from drivers.common.cpu.decode import RawCpu, decode_guest, decode_host
from drivers.qemu.cpu.host import CpuInfo, raw_cpu

FILES = {
    "index.xml": "<cpus><arch name='x86'><include filename='vendors.xml'/><include filename='features.xml'/>"
    "<include filename='old.xml'/><include filename='big.xml'/><include filename='bigger.xml'/></arch></cpus>",
    "vendors.xml": "<cpus><vendor name='Intel' string='GenuineIntel'/><vendor name='AMD' string='AuthenticAMD'/></cpus>",
    "features.xml": "<cpus>"
    + "".join(f"<feature name='{name}'/>" for name in ("fpu", "pni", "avx"))
    + "<feature name='sse4.1'><alias name='sse4-1' source='qemu'/></feature>"
    + "<feature name='invtsc' migratable='no'/><feature name='avx512-bf16'/></cpus>",
    "old.xml": "<cpus><model name='old'><feature name='fpu'/></model></cpus>",
    "big.xml": "<cpus><model name='big'><decode host='on' guest='on'/><signature family='6' model='60'/>"
    "<vendor name='Intel'/><feature name='fpu'/><feature name='pni'/><feature name='avx'/></model></cpus>",
    "bigger.xml": "<cpus><model name='bigger'><model name='big'/><decode host='on' guest='off'/>"
    "<vendor name='Intel'/><feature name='sse4.1'/></model></cpus>",
}


@pytest.fixture
def cpu_map(tmp_path: Path) -> CpuMap:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    return load_cpu_map("x86_64", tmp_path)


def cpu(*features: str, vendor: str | None = "Intel", signature: tuple[int, int] | None = None) -> RawCpu:
    return RawCpu(frozenset(features), vendor, signature)


def test_the_map_is_read_in_order(cpu_map: CpuMap) -> None:
    assert list(cpu_map.models) == ["old", "big", "bigger"]
    assert cpu_map.models["bigger"].features == {"fpu", "pni", "avx", "sse4.1"}
    assert cpu_map.ordered({"avx", "fpu"}) == ["fpu", "avx"]
    assert cpu_map.unmigratable == {"invtsc"}


@pytest.mark.parametrize("name", ["sse4.1", "sse4-1", "sse4_1"])
def test_other_programs_names_are_known(cpu_map: CpuMap, name: str) -> None:
    assert cpu_map.canonical(name) == "sse4.1"
    assert cpu_map.canonical("nonsense") is None


def test_the_host_has_all_of_its_model(cpu_map: CpuMap) -> None:
    found = decode_host(cpu("fpu", "pni", "avx", "invtsc"), cpu_map)
    assert found is not None
    assert (found.model, found.require, found.disable) == ("big", ("invtsc",), ())
    found = decode_host(cpu("fpu", "pni"), cpu_map)
    assert found is not None
    assert (found.model, found.require) == ("old", ("pni",))


def test_other_vendors_models_are_not_considered(cpu_map: CpuMap) -> None:
    found = decode_host(cpu("fpu", "pni", "avx", vendor="AMD"), cpu_map)
    assert found is not None
    assert (found.model, found.require) == ("old", ("pni", "avx"))


def test_a_guest_model_may_lack_features(cpu_map: CpuMap) -> None:
    found = decode_guest(cpu("fpu", "avx"), cpu_map, {"big": ("pni",), "bigger": (), "old": ()})
    assert found is not None
    assert (found.model, found.require, found.disable) == ("big", (), ("pni",))


def test_a_model_of_the_same_signature_wins(cpu_map: CpuMap) -> None:
    alike = cpu("fpu", signature=(6, 60))
    found = decode_guest(alike, cpu_map, {"big": (), "old": ()})
    assert found is not None
    assert (found.model, found.disable) == ("big", ("pni", "avx"))


def test_models_unknown_to_qemu_are_not_considered(cpu_map: CpuMap) -> None:
    assert decode_guest(cpu("fpu"), cpu_map, {}) is None


def test_without_a_map_nothing_is_known(tmp_path: Path) -> None:
    empty = load_cpu_map("x86_64", tmp_path / "none")
    assert not empty.models
    assert decode_host(cpu("fpu"), empty) is None
    assert not load_cpu_map("alpha", tmp_path).models


def test_the_kernels_names_become_libvirts(cpu_map: CpuMap, tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 60\nmicrocode\t: 0x12\n"
        "flags\t\t: fpu sse4_1 avx512_bf16 constant_tsc nonstop_tsc unheard_of\n"
        "address sizes\t: 46 bits physical, 48 bits virtual\n\nprocessor\t: 1\nvendor_id\t: other\n"
    )
    info = CpuInfo.read(path)
    found = raw_cpu(info, cpu_map)
    assert found == cpu("fpu", "sse4.1", "avx512-bf16", "invtsc", signature=(6, 60))
    assert (info.number("microcode"), info.physical_address_bits) == (18, 46)


def test_a_host_without_cpuinfo(cpu_map: CpuMap, tmp_path: Path) -> None:
    info = CpuInfo.read(tmp_path / "none")
    assert raw_cpu(info, cpu_map) == RawCpu(frozenset(), None, None)
    assert info.physical_address_bits is None
