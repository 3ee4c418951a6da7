# SPDX-License-Identifier: LGPL-2.1-or-later
"""The format of files that guests are saved in."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import pytest

from conf.errors import ConfError
from drivers.qemu.saveimage import (
    HEADER_SIZE,
    MAGIC,
    PARTIAL_MAGIC,
    ROOM,
    SaveImage,
    format_cookie,
    pack_image,
    parse_cookie,
    read_image,
    settled,
)
from virtd.errors import Code, VirtError

COOKIE = """<cookie>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>qemu64</model>
    <feature policy='require' name='hypervisor'/>
  </cpu>
  <slirpHelper/>
</cookie>
"""


def header(length: int, cookie: int = 0, *, version: int = 2, order: str = "<", magic: bytes = MAGIC) -> bytes:
    return magic + struct.pack(order + "5I", version, length, 1, 3, cookie) + bytes(56)


def test_a_file_of_libvirt() -> None:
    assert HEADER_SIZE == 92
    data = b"<domain/>\0<cookie/>\0\0\0"
    file = io.BytesIO(header(len(data), 10) + data + b"QEVM")
    image = read_image(file)
    assert image == SaveImage("<domain/>", "<cookie/>", was_running=True, compression=3, data_length=len(data))
    assert image.compression_name == "xz"
    assert file.read() == b"QEVM"
    assert image.stream_offset == file.tell() - 4


@pytest.mark.parametrize(("version", "order"), [(0, "<"), (1, "<"), (2, "<"), (1, ">"), (2, ">")])
def test_files_of_other_hosts(version: int, order: str) -> None:
    image = read_image(io.BytesIO(header(4, version=version, order=order) + b"abc\0"))
    assert image == SaveImage("abc", None, was_running=True, compression=3, data_length=4)


@pytest.mark.parametrize("cookie", [None, COOKIE])
@pytest.mark.parametrize("running", [True, False])
def test_what_is_written_can_be_read(cookie: str | None, running: bool) -> None:
    image = settled(SaveImage("<domain>é\udcff</domain>", cookie, running, 1))
    packed = pack_image(image, complete=True)
    assert len(packed) == image.stream_offset
    assert read_image(io.BytesIO(packed)) == image
    unfinished = pack_image(image, complete=False)
    assert (unfinished[:16], unfinished[16:]) == (PARTIAL_MAGIC, packed[16:])


def test_a_definition_may_grow_into_its_room() -> None:
    image = settled(SaveImage("x"))
    assert image.data_length == 2 + ROOM
    grown = settled(replace(image, xml="x" * (ROOM + 1)))
    assert grown.data_length == image.data_length
    with pytest.raises(VirtError, match="new xml too large to fit in file"):
        settled(replace(image, xml="x" * (ROOM + 2)))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "failed to read qemu header"),
        (header(4)[:91], "failed to read qemu header"),
        (header(4, magic=b"x" * 16), "image magic is incorrect"),
        (header(4, magic=PARTIAL_MAGIC), "save image is incomplete"),
        (header(4, version=3), "image version is not supported (50331648 > 2)"),
        (header(4, version=3, order=">"), "image version is not supported (3 > 2)"),
        (header(0), "invalid header data length: 0"),
        (header(4, 5), "invalid header data length: 4"),
        (header(4) + b"abc", "failed to read domain XML"),
        (header(2**32 - 1) + b"abc", "failed to read domain XML"),
        (header(6, 4) + b"abc\0d", "failed to read cookie"),
        (header(2**32 - 1, 4) + b"abc\0d", "failed to read cookie"),
    ],
)
def test_files_that_are_none(data: bytes, complaint: str) -> None:
    with pytest.raises(VirtError) as caught:
        read_image(io.BytesIO(data))
    assert caught.value.code == Code.OPERATION_FAILED
    assert caught.value.message == f"operation failed: {complaint}"


def test_a_way_of_packing_that_nobody_knows() -> None:
    with pytest.raises(VirtError, match="Invalid compressed save format 9"):
        _ = SaveImage("x", compression=9).compression_name


def test_cookies() -> None:
    cookie = parse_cookie(COOKIE)
    assert cookie.slirp_helper
    assert format_cookie(cookie) == COOKIE
    assert format_cookie(parse_cookie("<cookie/>")) == "<cookie>\n</cookie>\n"


@pytest.mark.parametrize(
    ("xml", "complaint"),
    [
        ("<x/>", "27: expecting root element of 'cookie', not 'x'"),
        ("<cookie><cpu mode='x'/></cookie>", "67: Invalid mode attribute 'x'"),
        ("<cookie", "35: (save cookie):1: Couldn't find end of Start Tag cookie line 1\n<cookie\n-------^"),
    ],
)
def test_cookies_that_are_none(xml: str, complaint: str) -> None:
    with pytest.raises(ConfError) as caught:
        parse_cookie(xml)
    assert f"{caught.value.code}: {caught.value}" == complaint
