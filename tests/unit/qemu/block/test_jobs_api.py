# SPDX-License-Identifier: LGPL-2.1-or-later
"""Numbers and descriptions in the API of block jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.errors import ConfError
from drivers.common.blockjobs import speed_limit
from drivers.common.images import destination
from drivers.qemu.block.commands import BlockJobInfo
from drivers.qemu.block.jobs_api import progress
from virtd.errors import Code, VirtError


@pytest.mark.parametrize(
    ("offset", "length", "ready", "shown"),
    [
        (0, 0, False, (0, 1)),
        (0, 0, True, (1, 1)),
        (5, 10, False, (5, 10)),
        (10, 10, False, (9, 10)),
        (10, 10, True, (10, 10)),
    ],
)
def test_done_and_to_do_are_equal_only_when_ready(
    offset: int, length: int, ready: bool, shown: tuple[int, int]
) -> None:
    assert progress(BlockJobInfo("j", "mirror", length, offset, 0, ready)) == shown


def test_speeds() -> None:
    assert speed_limit(0, in_bytes=False) is None
    assert speed_limit(3, in_bytes=False) == 3 << 20
    assert speed_limit(3, in_bytes=True) == 3
    assert speed_limit((1 << 43) - 1, in_bytes=False) == ((1 << 43) - 1) << 20
    for bandwidth, in_bytes in ((1 << 43, False), (1 << 63, True)):
        with pytest.raises(VirtError, match="bandwidth must be less than") as caught:
            speed_limit(bandwidth, in_bytes=in_bytes)
        assert caught.value.code is Code.OVERFLOW


def test_a_destination() -> None:
    mirror = destination.parse("<disk type='file'><source file='/b'/><driver type='qcow2' cache='none'/></disk>")
    assert mirror.source is not None
    assert mirror.format is not None
    assert (mirror.type, mirror.source.file, mirror.format.type, mirror.job) == ("file", "/b", "qcow2", "copy")


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<disk", 35),
        ("<foo/>", 27),
        ("<disk type='file'/>", 19),
        ("<disk type='file'><source/></disk>", 19),
        ("<disk><source file='/b'/><driver type='zzz'/></disk>", 67),
    ],
)
def test_destinations_that_are_none(xml: str, code: int) -> None:
    with pytest.raises((ConfError, VirtError)) as caught:
        destination.parse(xml)
    error = caught.value
    assert isinstance(error, ConfError | VirtError)
    assert error.code == code


def refusal(path: Path, *, reuse: bool, type_: str = "file") -> str:
    attribute = "dev" if type_ == "block" else "file"
    mirror = destination.parse(f"<disk type='{type_}'><source {attribute}='{path}'/></disk>")
    with pytest.raises(VirtError) as caught:
        destination.validate(mirror, "vda", reuse=reuse)
    return caught.value.message


def test_what_lies_at_the_destination(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert refusal(file, reuse=True) == f"missing destination file for disk vda: {file}: No such file or directory"
    assert refusal(file, reuse=False, type_="block").startswith("missing destination file")
    mirror = destination.parse(f"<disk><source file='{file}'/></disk>")
    assert destination.validate(mirror, "vda", reuse=False) is False
    file.touch()
    assert destination.validate(mirror, "vda", reuse=False) is False
    file.write_bytes(b"content")
    assert "already exists and is not a block device" in refusal(file, reuse=False)
    assert destination.validate(mirror, "vda", reuse=True) is True
    assert "is not a block device" in refusal(file, reuse=True, type_="block")
