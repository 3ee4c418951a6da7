# SPDX-License-Identifier: LGPL-2.1-or-later
"""Flags that follow from what an emulator says."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.qemu.capabilities.flags import Answers, derive
from drivers.qemu.capabilities.schema import Schema


def answers(**changes: Any) -> Answers:
    nothing: dict[str, Any] = {"commands": set(), "types": set(), "options": {}, "properties": {}}
    return Answers(**{"arch": "riscv64", "version": 5000000, "schema": Schema([]), **nothing, **changes})


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({}, set()),
        ({"commands": {"query-stats"}}, {"query-stats"}),
        ({"commands": {"query-spice"}}, {"spice", "spice-gl", "spice-rendernode"}),
        ({"types": {"virtio-net-ccw", "max-s390x-cpu"}}, {"virtio-net", "cpu-max"}),
        ({"types": {"virtio-net-pci"}, "properties": {"virtio-net-pci": {"rss": {}}}}, {"virtio-net", "virtio-net.rss"}),
        ({"properties": {"virt": {"iommu": {}}}}, {"machine.virt.iommu"}),
        ({"properties": {"virtio-blk-pci": {"scsi": {"default-value": False}}}},
         {"virtio-blk-pci.scsi", "virtio-blk-pci.scsi.default.disabled"}),
        ({"properties": {"virtio-blk-pci": {"scsi": {"default-value": True}}}}, {"virtio-blk-pci.scsi"}),
        ({"options": {"sandbox": set(), "vnc": {"power-control"}}}, {"seccomp-sandbox", "vnc-power-control"}),
        ({"migration": {"rdma-pin-all"}, "tpm_models": {"tpm-crb"}, "tpm_types": {"emulator"}},
         {"migrate-rdma", "tpm-crb", "tpm-emulator"}),
        ({"kvm": True, "version": 6000000}, {"kvm", "compat-deprecated"}),
        ({"arch": "x86_64"}, {"no-acpi", "no-hpet"}),
        ({"arch": "x86_64", "version": 9000000}, {"compat-deprecated"}),
        ({"properties": {"max-x86_64-cpu": {"unavailable-features": {}}}},
         {"cpu-unavailable-features", "canonical-cpu-features"}),
    ],
)  # fmt: skip
def test_flags(changes: dict[str, Any], flags: set[str]) -> None:
    assert derive(answers(**changes)) == flags
