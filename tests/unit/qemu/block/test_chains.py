# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chains of images found by their headers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from conf.domain.devices.disk import Disk, DiskDriver, DiskTarget
from conf.domain.devices.storage_source import BackingStore, StorageSource
from drivers.common.images.layers import chain, ends
from drivers.qemu.block.backing_names import backing_store
from drivers.qemu.block.chains import prepare_disks
from virtd.errors import Code, From, VirtError


def image(path: Path, backing: str | bytes = b"", backing_format: bytes = b"qcow2") -> str:
    """A qcow2 header, which is all that is looked at."""
    name = backing.encode() if isinstance(backing, str) else backing
    extension = struct.pack(">II", 0xE2792ACA, len(backing_format)) + backing_format.ljust(8, b"\0")
    extensions = (extension if backing_format else b"") + bytes(8)
    offset = 104 + len(extensions) if name else 0
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, offset, len(name), 16, 1 << 20)
    path.write_bytes(head.ljust(100, b"\0") + struct.pack(">I", 104) + extensions + name)
    return str(path)


def disk(path: str | None, format_: str = "qcow2", dev: str = "vda", below: BackingStore | None = None) -> Disk:
    source = StorageSource(file=path) if path else None
    driver = DiskDriver(name="qemu", type=format_)
    return Disk(driver=driver, source=source, target=DiskTarget(dev=dev, bus="virtio"), backing_store=below)


async def test_a_chain_is_followed_to_its_end(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.write_bytes(b"QFI\xfb\0\0\0\3" + b"\xff" * 200)  # what a guest may write
    base = image(tmp_path / "base", str(raw), b"raw")
    (tmp_path / "sub").mkdir()
    mid = image(tmp_path / "sub" / "mid", "../base")
    one = disk(image(tmp_path / "top", mid))
    assert await prepare_disks([one]) == 4
    layers = chain(one)
    assert [layer.index for layer in layers] == [1, 2, 3, 4]
    assert [layer.format for layer in layers] == ["qcow2", "qcow2", "qcow2", "raw"]
    assert [layer.path for layer in layers[2:]] == [str(tmp_path / "sub/../base"), str(raw)]
    assert Path(base).samefile(layers[2].path or "")
    assert ends(one)


async def test_numbers_go_first_to_what_the_xml_tells(tmp_path: Path) -> None:
    base = image(tmp_path / "base")
    disks = [disk(image(tmp_path / "a", base)), disk(None), disk(image(tmp_path / "b", base), dev="vdc")]
    assert await prepare_disks(disks) == 5
    assert [[layer.index for layer in chain(d)] for d in (disks[0], disks[2])] == [[3, 5], [1, 4]]


async def test_what_the_xml_says_is_not_looked_at(tmp_path: Path) -> None:
    one = disk(image(tmp_path / "top", "/nonexistent"), below=BackingStore())
    assert await prepare_disks([one]) == 1
    assert len(chain(one)) == 1


async def test_raw_images_are_not_looked_at(tmp_path: Path) -> None:
    one = disk(image(tmp_path / "top", "/etc/shadow", b"raw"), "raw")
    await prepare_disks([one])
    assert len(chain(one)) == 1
    assert ends(one)


async def refusal(one: Disk, user: tuple[int, int] | None = None) -> VirtError:
    with pytest.raises(VirtError) as caught:
        await prepare_disks([one], user=user)
    assert caught.value.source is From.STORAGE
    return caught.value


async def test_missing_files(tmp_path: Path) -> None:
    error = await refusal(disk("/nonexistent"), (1, 2))
    assert error.code is Code.SYSTEM_ERROR
    assert error.message == "Cannot access storage file '/nonexistent' (as uid:1, gid:2): No such file or directory"
    top = image(tmp_path / "top", "/nonexistent")
    error = await refusal(disk(top))
    assert (
        error.message == f"Cannot access backing file '/nonexistent' of storage file '{top}': No such file or directory"
    )


async def test_loops_end(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    image(first, str(second))
    image(second, str(first))
    error = await refusal(disk(str(first)))
    assert error.message.endswith("is self-referential or too deeply nested")
    image(first, "././first")
    error = await refusal(disk(str(first)))
    assert error.message.endswith("is self-referential or too deeply nested")


async def test_a_format_is_guessed_only_where_it_leads_nowhere(tmp_path: Path) -> None:
    base = image(tmp_path / "base")
    one = disk(image(tmp_path / "top", base, b""))
    await prepare_disks([one])
    assert [layer.format for layer in chain(one)] == ["qcow2", "qcow2"]
    image(tmp_path / "base", "/etc/shadow", b"raw")
    error = await refusal(disk(image(tmp_path / "top", base, b"")))
    assert "was not specified in the image metadata" in error.message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nbd://h:1/exp", {"protocol": "nbd", "name": "exp", "host": ("h", 1, None)}),
        ("nbd:h:10809:exportname=x", {"protocol": "nbd", "name": "x", "host": ("h", 10809, None)}),
        ("nbd:unix:/s:exportname=x", {"protocol": "nbd", "name": "x", "host": (None, None, "/s")}),
        ("nbd+unix:///x?socket=/s", {"protocol": "nbd", "name": "x", "host": (None, None, "/s")}),
        ("https://h/a?b=c", {"protocol": "https", "name": "a", "query": "b=c", "host": ("h", None, None)}),
        ('json:{"driver":"raw","file":{"driver":"file","filename":"/f"}}', {"file": "/f", "format": "raw"}),
        ('json:{"driver":"host_device","filename":"/dev/x"}', {"dev": "/dev/x", "format": "qcow2"}),
        (
            'json:{"driver":"nbd","server":{"type":"inet","host":"h","port":"1"}}',
            {"protocol": "nbd", "host": ("h", 1, None)},
        ),
        ("base", {"file": "/images/base"}),
        ("/base", {"file": "/base"}),
    ],
)
def test_names(name: str, expected: dict[str, object]) -> None:
    store = backing_store(name, "qcow2", "/images/top")
    assert store.source is not None
    assert store.format is not None
    found: dict[str, object] = {k: v for k, v in store.source if v} | {"format": store.format.type}
    if hosts := found.pop("hosts", None):
        assert isinstance(hosts, list)
        found["host"] = (hosts[0].name, hosts[0].port, hosts[0].socket)
    assert found == {"format": "qcow2"} | expected


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("weird:foo", Code.INTERNAL_ERROR, "invalid backing protocol 'weird'"),
        ("file:///x", Code.INTERNAL_ERROR, "invalid backing protocol 'file'"),
        ('json:{"file.filename":"/x"}', Code.INVALID_ARG, "lacks driver name"),
        ('json:{"driver":"zz"}', Code.INTERNAL_ERROR, "missing parser implementation for JSON backing volume driver"),
        ("json:" + "[" * 100_000, Code.INVALID_ARG, "is not valid JSON"),
        ("json:" + json.dumps(["x"]), Code.INVALID_ARG, "lacks driver name"),
        ("nbd:x", Code.INTERNAL_ERROR, "failed to parse backing file location"),
        ("http://[h/", Code.INTERNAL_ERROR, "failed to parse backing file location"),
        ("a\x01b", Code.INTERNAL_ERROR, "no name may have"),
        ("\udcff", Code.INTERNAL_ERROR, "no name may have"),
    ],
)
def test_names_that_are_refused(name: str, code: Code, text: str) -> None:
    with pytest.raises(VirtError, match=text) as caught:
        backing_store(name, "raw", "/images/top")
    assert caught.value.code is code


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(VirtError, match="unknown format"):
        backing_store("/x", "zzz", "/images/top")
