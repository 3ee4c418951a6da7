# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks and images by the names clients give, and what libvirt says where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.domain import parse_domain
from drivers.common.images import lookup
from drivers.common.images.layers import Layer, chain
from drivers.qemu.block import thresholds
from tests.unit.common.images.test_changes import three_images
from virtd.enums import DomainBlockCommitFlags as Commit
from virtd.errors import Code, From, VirtError


def layers() -> list[Layer]:
    return chain(three_images())


def test_disks_by_target_and_by_path() -> None:
    disks = "".join(
        f"<disk type='file'><source file='/{path}'/><target dev='{dev}' bus='virtio'/></disk>"
        for path, dev in (("a", "vda"), ("b", "vdb"), ("b", "vdc"))
    )
    domain = parse_domain(
        f"<domain type='kvm'><name>a</name><memory>1</memory><os><type>hvm</type></os><devices>{disks}</devices></domain>"
    )
    assert lookup.disk_by_name(domain, "vdb").target.dev == "vdb"
    assert lookup.disk_by_name(domain, "/a").target.dev == "vda"
    for name in ("/b", "vdx", "", "a"):
        with pytest.raises(VirtError, match=f"disk '{name}' not found in domain"):
            lookup.disk_by_name(domain, name)


@pytest.mark.parametrize(("name", "index"), [("/top", 1), ("vda[2]", 2), ("/base", 3), ("vda[3]", 3), ("/x/../mid", 2)])
def test_images(name: str, index: int) -> None:
    assert lookup.find_image(layers(), name).index == index


def test_links_to_images(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/mid")
    assert lookup.find_image(layers(), str(link)).index == 2


@pytest.mark.parametrize(
    ("name", "below", "text"),
    [
        ("/no", None, "could not find image '/no' in chain for 'vda'"),
        ("vda[9]", None, "could not find backing store index '9' in chain for 'vda'"),
        ("vdb[2]", None, "could not find image 'vdb[2]' in chain for 'vda'"),
        ("/top", 1, "could not find image '/top' beneath '/mid' in chain for 'vda'"),
    ],
)
def test_images_that_are_not_there(name: str, below: int | None, text: str) -> None:
    all_ = layers()
    with pytest.raises(VirtError) as caught:
        lookup.find_image(all_, name, below=all_[below] if below is not None else None)
    assert (caught.value.code, caught.value.source) == (Code.INVALID_ARG, From.STORAGE)
    assert caught.value.detail == text


@pytest.mark.parametrize(
    ("top", "base", "flags", "expected"),
    [
        (None, None, Commit.ACTIVE, (1, 3)),
        (None, None, Commit.ACTIVE | Commit.SHALLOW, (1, 2)),
        (None, "/mid", Commit.ACTIVE, (1, 2)),
        ("/mid", None, 0, (2, 3)),
        ("vda[2]", "vda[3]", Commit.SHALLOW, (2, 3)),
    ],
)
def test_the_range_of_a_commit(top: str | None, base: str | None, flags: int, expected: tuple[int, int]) -> None:
    upper, lower = lookup.commit_range(three_images(), top, base, flags)
    assert (upper.index, lower.index) == expected


@pytest.mark.parametrize(
    ("top", "base", "flags", "text"),
    [
        (None, None, 0, "commit of 'vda' active layer requires active flag"),
        ("/mid", None, Commit.ACTIVE, "active commit requested but '/mid' is not active"),
        ("/base", None, 0, "could not find base image in chain for 'vda'"),
        (None, "/no", 0, "could not find image '/no' beneath '/top' in chain for 'vda'"),
        ("/base", None, Commit.SHALLOW, "top '/base' in chain for '/top' has no backing file"),
        ("/mid", "/top", 0, "could not find image '/top' beneath '/mid' in chain for 'vda'"),
        (None, "/base", Commit.ACTIVE | Commit.SHALLOW, "is not immediately below"),
    ],
)
def test_ranges_that_are_refused(top: str | None, base: str | None, flags: int, text: str) -> None:
    with pytest.raises(VirtError, match=text) as caught:
        lookup.commit_range(three_images(), top, base, flags)
    assert caught.value.code is Code.INVALID_ARG


def test_images_of_thresholds() -> None:
    domain = parse_domain(
        "<domain type='kvm'><name>a</name><memory>1</memory><os><type>hvm</type></os><devices>"
        "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk></devices></domain>"
    )
    domain.devices.disks.append(three_images())
    assert [thresholds.find_layer(domain, name).index for name in ("vda", "vda[1]", "vda[3]")] == [1, 1, 3]
    for name in ("vda[9]", "vdz", "/top"):
        with pytest.raises(VirtError, match="failed to find disk"):
            thresholds.find_layer(domain, name)
    with pytest.raises(VirtError) as caught:
        thresholds.find_layer(domain, "sda")
    assert caught.value.code is Code.INTERNAL_ERROR


def test_relative_names() -> None:
    assert lookup.relative_path(["../base/mid", "base"]) == "../base/base"
    for absolute in ("/images/base", "nbd:host:1", None):
        with pytest.raises(VirtError, match="can't keep relative backing relationship") as caught:
            lookup.relative_path(["mid", absolute])
        assert caught.value.code is Code.OPERATION_INVALID
