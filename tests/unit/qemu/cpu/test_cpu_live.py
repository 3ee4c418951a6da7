# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a client is told of a running guest's CPU."""

from __future__ import annotations

import pytest

from conf.domain.cpu import CPU, CPUFeature, CPUModel
from drivers.common.cpu.cpu_map import CpuMap, CpuModel
from drivers.qemu.cpu.live import GivenFeatures, settle_live_cpu
from virtd.errors import VirtError

MODEL = CpuModel("old", None, frozenset(), frozenset({"mmx", "sse", "svm"}), (), decode_host=True, decode_guest=True)
MAP = CpuMap(
    models={"old": MODEL},
    features={name: rank for rank, name in enumerate(("mmx", "avx", "sse", "hypervisor", "svm"))},
    aliases={name: name for name in ("mmx", "avx", "sse", "hypervisor", "svm")},
)


def cpu(check: str = "none", **features: str) -> CPU:
    """The old model with features of these policies."""
    listed = [CPUFeature(name=name, policy=policy) for name, policy in features.items()]
    return CPU(mode="custom", match="exact", check_=check, model=CPUModel(name="old"), features=listed)


def given(enabled: str, unavailable: str = "") -> GivenFeatures:
    return GivenFeatures(frozenset(enabled.split()), frozenset(unavailable.split()))


def policies(settled: CPU) -> list[tuple[str, str]]:
    return [(feature.name, feature.policy) for feature in settled.features]


def test_just_what_was_asked_for() -> None:
    settled = settle_live_cpu(cpu(), given("mmx sse svm"), MAP)
    assert (policies(settled), settled.check_) == ([], "full")


def test_added_and_removed_features_in_the_order_of_the_map() -> None:
    settled = settle_live_cpu(cpu(), given("sse hypervisor avx", "mmx"), MAP)
    assert policies(settled) == [
        ("mmx", "disable"),
        ("avx", "require"),
        ("hypervisor", "require"),
        ("svm", "disable"),
    ]


def test_named_features_keep_their_place_and_get_their_true_policy() -> None:
    asked = cpu(hypervisor="disable", avx="require")
    settled = settle_live_cpu(asked, given("mmx sse svm hypervisor"), MAP)
    assert policies(settled) == [("hypervisor", "require"), ("avx", "disable")]
    assert policies(asked) == [("hypervisor", "disable"), ("avx", "require")]


def test_a_forced_feature_is_wanted() -> None:
    assert policies(settle_live_cpu(cpu(avx="force"), given("mmx sse svm avx"), MAP)) == [("avx", "force")]


def test_full_check() -> None:
    assert settle_live_cpu(cpu("full"), given("mmx sse svm"), MAP).check_ == "full"
    with pytest.raises(VirtError) as caught:
        settle_live_cpu(cpu("full"), given("sse avx hypervisor", "svm"), MAP)
    assert caught.value.message == (
        "operation failed: guest CPU doesn't match specification: "
        "extra features: avx,hypervisor, missing features: mmx,svm"
    )
