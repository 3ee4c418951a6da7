# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of checkpoints and how their disks are completed."""

from __future__ import annotations

import pytest

from conf.checkpoint import (
    align_checkpoint,
    format_checkpoint,
    parse_checkpoint,
    settle_redefined_checkpoint,
)
from conf.domain import parse_domain
from conf.errors import ConfError

UUID = "0d6f5a5e-9a55-4c35-8d3e-6a1c8f6f9a11"
DOMAIN = (
    f"<domain type='kvm'><name>g</name><uuid>{UUID}</uuid><memory unit='KiB'>1024</memory>"
    "<os><type arch='x86_64'>hvm</type></os><devices>"
    "<disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/></disk>"
    "<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/></disk>"
    "<disk type='file' device='disk'><source file='/c'/><target dev='vdc' bus='virtio'/><readonly/></disk>"
    "<disk type='file' device='disk'><source file='/d'/><target dev='vdd' bus='virtio'/></disk>"
    "</devices></domain>"
)


def squeezed(text: str) -> str:
    return "".join(line.strip() for line in text.splitlines())


def aligned(disks: str) -> dict[str, str | None]:
    checkpoint = parse_checkpoint(f"<domaincheckpoint><name>c</name>{disks}</domaincheckpoint>")
    align_checkpoint(checkpoint, parse_domain(DOMAIN))
    assert all((disk.bitmap is not None) == (disk.checkpoint == "bitmap") for disk in checkpoint.disks)
    return {disk.name: disk.bitmap for disk in checkpoint.disks}


def test_an_existing_one_comes_back_without_what_was_not_asked_for() -> None:
    head = "<domaincheckpoint><name>c</name><description>d</description><parent><name>p</name></parent>"
    disks = (
        "<creationTime>5</creationTime><disks><disk name='vda' checkpoint='bitmap' bitmap='b' size='9'/>"
        "<disk name='vdd' checkpoint='no'/></disks>"
    )
    checkpoint = parse_checkpoint(f"{head}{disks}{DOMAIN}</domaincheckpoint>", redefine=True)
    assert squeezed(format_checkpoint(checkpoint, domain=False, size=True)) == f"{head}{disks}</domaincheckpoint>"
    shown = squeezed(format_checkpoint(checkpoint))
    without_size = disks.replace(" size='9'", "")
    assert shown.startswith(f"{head}{without_size}<domain type='kvm'>")
    assert checkpoint.disks[0].size == 9


def test_a_new_one_has_no_past() -> None:
    text = "<domaincheckpoint><parent><name>p</name></parent><creationTime>5</creationTime></domaincheckpoint>"
    checkpoint = parse_checkpoint(text, now=77)
    expected = "<domaincheckpoint><name>77</name><creationTime>77</creationTime></domaincheckpoint>"
    assert squeezed(format_checkpoint(checkpoint)) == expected
    assert checkpoint.parent_name is None


def test_without_a_list_all_that_can_change_are_tracked() -> None:
    assert aligned("") == {"vda": "c", "sdb": None, "vdc": None, "vdd": "c"}


def test_with_a_list_only_those_named_are_tracked() -> None:
    assert aligned("<disks><disk name='vdd' bitmap='x'/></disks>") == {
        "vda": None,
        "sdb": None,
        "vdc": None,
        "vdd": "x",
    }
    assert set(aligned("<disks><disk name='vdc' checkpoint='no'/></disks>").values()) == {None}


@pytest.mark.parametrize(
    ("disks", "complaint"),
    [
        ("<disk name='vdc'/>", "67: disk 'vdc' is empty or readonly"),
        ("<disk name='sdb' checkpoint='bitmap'/>", "67: disk 'sdb' is empty or readonly"),
        ("<disk name='vdx'/>", "67: no disk named 'vdx'"),
        ("<disk name='vda'/><disk name='vda'/>", "67: disk 'vda' specified twice"),
        ("<disk name='vda'/>" * 5, "67: too many disk checkpoint requests for domain"),
        ("<disk/>", "27: Missing required attribute 'name' in element 'disk'"),
        ("<disk name='vda' checkpoint='x'/>", "27: Invalid value for attribute 'checkpoint' in element 'disk': 'x'."),
    ],
)
def test_complaints_about_disks(disks: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        aligned(f"<disks>{disks}</disks>")
    assert f"{caught.value.code}: {caught.value}" == complaint


def test_a_domain_without_disks_has_nothing_to_track() -> None:
    head, _, _ = DOMAIN.partition("<disk ")
    with pytest.raises(ConfError, match="domain must have at least one disk to perform checkpoints"):
        align_checkpoint(parse_checkpoint("<domaincheckpoint/>"), parse_domain(f"{head}</devices></domain>"))


@pytest.mark.parametrize(
    ("inside", "complaint"),
    [
        ("", "27: a redefined checkpoint must have a name"),
        ("<name>c</name>", "1: missing creationTime from existing checkpoint"),
    ],
)
def test_complaints_about_existing_ones(inside: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_checkpoint(f"<domaincheckpoint>{inside}</domaincheckpoint>", redefine=True)
    assert f"{caught.value.code}: {caught.value}" == complaint


def test_redefining() -> None:
    text = f"<domaincheckpoint><name>c</name><creationTime>1</creationTime>{DOMAIN}</domaincheckpoint>"
    checkpoint = parse_checkpoint(text, redefine=True)
    settle_redefined_checkpoint(checkpoint, UUID)
    assert len(checkpoint.disks) == 4
    with pytest.raises(ConfError, match="definition for checkpoint c must use uuid other"):
        settle_redefined_checkpoint(checkpoint, "other")
    bare = parse_checkpoint(text.replace(DOMAIN, ""), redefine=True)
    settle_redefined_checkpoint(bare, UUID)
    assert bare.disks == []
