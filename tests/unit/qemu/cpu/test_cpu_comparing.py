# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPUs against hosts and against each other, over a small map of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conf.domain import Domain, parse_domain
from drivers.common.cpu.baseline import baseline
from drivers.common.cpu.compare import compare
from drivers.common.cpu.cpu_map import CpuMap, CpuModel
from drivers.common.cpu.given import format_cpu, parse_cpu
from drivers.qemu.capabilities.model import Capabilities, CpuDefinition, CpuFacts
from drivers.qemu.cpu import available as comparing
from drivers.qemu.cpu.guest import settle_cpu
from drivers.qemu.cpu.host import CpuInfo
from virtd.enums import CPUCompareResult as Result
from virtd.errors import Code, VirtError


def model(name: str, *features: str, vendor: str | None = None, removed: tuple[str, ...] = ()) -> CpuModel:
    return CpuModel(name, vendor, frozenset(), frozenset(features), removed, decode_host=True, decode_guest=True)


FEATURES = ("fpu", "pni", "avx", "invtsc", "svm")
MAP = CpuMap(
    models={
        m.name: m
        for m in (
            model("old", "fpu"),
            model("new", "fpu", "pni", "avx", vendor="Intel", removed=("svm",)),
            replace(model("lost", "fpu", "pni"), decode_host=False, decode_guest=False),
        )
    },
    features={name: rank for rank, name in enumerate(FEATURES)},
    aliases={name: name for name in FEATURES},
    vendors={"Intel": "GenuineIntel"},
    unmigratable={"invtsc"},
)


def emulator(**best: bool | str) -> Capabilities:
    models = (
        CpuDefinition(name="old", typename="o", blockers=()),
        CpuDefinition(name="new", typename="n", blockers=("avx",)),
    )
    return Capabilities(
        path="/q",
        arch="x86_64",
        host_arch="x86_64",
        version=9000000,
        cpus={"kvm": CpuFacts(models=models, best=best, unmigratable=frozenset({"invtsc"}))},
    )


@pytest.fixture(autouse=True)
def no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine is plays no part."""
    monkeypatch.setattr(comparing.CpuInfo, "read", classmethod(lambda cls: CpuInfo({})))


@pytest.mark.parametrize(
    ("xml", "outcome"),
    [
        ("<cpu match='exact'><model>old</model></cpu>", Result.SUPERSET),
        ("<cpu match='exact'><model>old</model><feature policy='require' name='pni'/></cpu>", Result.IDENTICAL),
        ("<cpu><model>new</model></cpu>", "Host CPU does not provide required features: avx"),
        ("<cpu><model>new</model><feature policy='disable' name='avx'/></cpu>", Result.IDENTICAL),
        (
            "<cpu match='strict'><model>old</model></cpu>",
            "Host CPU does not strictly match guest CPU: Extra features: pni",
        ),
        (
            "<cpu><model>old</model><feature policy='forbid' name='pni'/></cpu>",
            "Host CPU provides forbidden features: pni",
        ),
        ("<cpu><model>old</model><vendor>AMD</vendor></cpu>", "host CPU vendor does not match required CPU vendor AMD"),
    ],
)
def test_compared_with_a_host(xml: str, outcome: int | str) -> None:
    assert compare(parse_cpu(xml).cpu, {"fpu", "pni"}, "Intel", MAP) == outcome


@pytest.mark.parametrize(
    ("xml", "code", "words"),
    [
        ("x", Code.XML_DETAIL, "CPU_definition"),
        ("<foo/>", Code.XML_ERROR, "does not contain expected 'cpu' element"),
        ("<cpu match='exact'><arch>x86_64</arch></cpu>", Code.XML_ERROR, "'arch' element cannot be used"),
        ("<cpu mode='custom'><arch>x86_64</arch></cpu>", Code.CONFIG_UNSUPPORTED, "Attribute mode is only allowed"),
        ("<cpu><arch>x86_64</arch></cpu>", Code.XML_ERROR, "Missing CPU model name"),
    ],
)
def test_what_is_no_cpu(xml: str, code: Code, words: str) -> None:
    with pytest.raises(VirtError, match=words) as raised:
        parse_cpu(xml)
    assert raised.value.code == code


def common(
    *xmls: str, blockers: dict[str, tuple[str, ...]] | None = None, expand: bool = False, migratable: bool = False
) -> str:
    cpus = [parse_cpu(xml) for xml in xmls]
    return format_cpu(
        baseline(cpus, MAP, blockers=blockers, expand=expand, without=MAP.unmigratable if migratable else ())
    )


def host(name: str, *features: str, vendor: str = "Intel") -> str:
    extra = "".join(f"<feature name='{feature}'/>" for feature in features)
    return f"<cpu><arch>x86_64</arch><model>{name}</model><vendor>{vendor}</vendor>{extra}</cpu>"


def test_what_hosts_have_in_common() -> None:
    assert common(host("new", "svm"), host("old", "pni", "svm")) == (
        "<cpu mode='custom' match='exact'>\n  <model fallback='allow'>old</model>\n  <vendor>Intel</vendor>\n"
        "  <feature policy='require' name='pni'/>\n  <feature policy='require' name='svm'/>\n</cpu>\n"
    )


def test_a_model_all_name_is_kept_and_can_be_spelled_out() -> None:
    both = (host("old", "pni", "avx", "invtsc"), host("old", "pni", "avx", "invtsc"))
    assert "<model fallback='forbid'>old</model>" in common(*both)
    assert "invtsc" not in common(*both, migratable=True)
    assert common(*both, expand=True).count("<feature") == 4


def test_what_a_hypervisor_cannot_give_is_off() -> None:
    found = common(host("new"), host("new"), blockers={"new": ("avx",)})
    assert "<feature policy='disable' name='avx'/>" in found


def test_hosts_of_different_vendors_have_none() -> None:
    with pytest.raises(VirtError, match="CPU vendors do not match"):
        common(host("old"), host("old", vendor="AMD"))


def domain(cpu: str) -> Domain:
    return parse_domain(
        "<domain type='kvm'><name>g</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os>"
        + cpu
        + "</domain>"
    )


def test_the_hosts_model_becomes_a_named_one() -> None:
    guest = domain("<cpu mode='host-model'><feature policy='disable' name='pni'/></cpu>")
    settle_cpu(guest, emulator(fpu=True, pni=True, avx=True, vendor="GenuineIntel"), MAP)
    assert guest.cpu is not None
    assert guest.cpu.model is not None
    assert (guest.cpu.mode, guest.cpu.model.name, guest.cpu.vendor) == ("custom", "new", "Intel")
    assert [(f.policy, f.name) for f in guest.cpu.features] == [
        ("disable", "avx"),
        ("disable", "svm"),
        ("disable", "pni"),
    ]


def test_optional_features_are_decided_and_lost_ones_named() -> None:
    guest = domain("<cpu match='exact' check='none'><model>new</model><feature policy='optional' name='pni'/></cpu>")
    settle_cpu(guest, emulator(pni=True), MAP)
    assert guest.cpu is not None
    assert [(f.policy, f.name) for f in guest.cpu.features] == [("require", "pni"), ("disable", "svm")]


@pytest.mark.parametrize(
    ("cpu", "code", "words"),
    [
        (
            "<cpu match='exact' check='partial'><model>new</model></cpu>",
            Code.CPU_INCOMPATIBLE,
            "required features: avx",
        ),
        ("<cpu match='exact' check='none'><model>nope</model></cpu>", Code.INTERNAL_ERROR, "Unknown CPU model nope"),
        (
            "<cpu match='exact' check='partial'><model>old</model><feature policy='forbid' name='pni'/></cpu>",
            Code.CPU_INCOMPATIBLE,
            "forbidden feature 'pni'",
        ),
        ("<cpu mode='maximum'/>", Code.CONFIG_UNSUPPORTED, "CPU mode 'maximum' for x86_64 kvm domain"),
        (
            "<cpu mode='host-model'><feature policy='require' name='AVX'/></cpu>",
            Code.CONFIG_UNSUPPORTED,
            "unknown CPU feature: AVX",
        ),
        (
            "<cpu mode='host-model' check='partial'><feature policy='require' name='avx'/></cpu>",
            Code.CPU_INCOMPATIBLE,
            "required features: avx",
        ),
        (
            "<cpu match='exact' check='none'><model fallback='forbid'>lost</model></cpu>",
            Code.CONFIG_UNSUPPORTED,
            "CPU model lost is not supported by hypervisor",
        ),
    ],
)
def test_cpus_that_cannot_be_had(cpu: str, code: Code, words: str) -> None:
    with pytest.raises(VirtError, match=words) as raised:
        settle_cpu(domain(cpu), emulator(fpu=True, pni=True), MAP)
    assert raised.value.code == code


def test_a_model_that_qemu_lost_is_described_by_another() -> None:
    guest = domain("<cpu match='exact' check='none'><model>lost</model><feature policy='disable' name='svm'/></cpu>")
    settle_cpu(guest, emulator(fpu=True, pni=True), MAP)
    assert guest.cpu is not None
    assert guest.cpu.model is not None
    assert guest.cpu.model.name == "old"
    assert [(f.policy, f.name) for f in guest.cpu.features] == [("require", "pni"), ("disable", "svm")]
