# SPDX-License-Identifier: LGPL-2.1-or-later
"""Image headers, made by qemu-img where it is there, and damaged in every way."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtd.host.images import Header, Qcow2Details, parse_header, probe, qcow2_details, read_header

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="no qemu-img")


def qcow2(version: int = 3, backing: bytes = b"", backing_format: bytes = b"", size: int = 1 << 20) -> bytes:
    start = 104 if version == 3 else 72
    extensions = b""
    if backing_format:
        padding = -len(backing_format) % 8
        extensions += struct.pack(">II", 0x12345678, 3) + b"xxx\0\0\0\0\0"
        extensions += struct.pack(">II", 0xE2792ACA, len(backing_format)) + backing_format + bytes(padding)
    extensions += bytes(8)
    offset = start + len(extensions) if backing else 0
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", version, offset, len(backing), 16, size)
    return head.ljust(100, b"\0")[: start - 4] + struct.pack(">I", start if version == 3 else 0) + extensions + backing


@pytest.mark.parametrize("version", [2, 3])
def test_qcow2(version: int) -> None:
    head = qcow2(version, b"base.raw", b"raw")
    assert parse_header(head, probe(head), 0) == Header("qcow2", 1 << 20, "base.raw", "raw")
    assert parse_header(qcow2(version), "qcow2", 0) == Header("qcow2", 1 << 20)
    assert parse_header(qcow2(version, b"x"), "qcow2", 0) == Header("qcow2", 1 << 20, "x", None)


@needs_qemu_img
@pytest.mark.parametrize("format_", ["qcow2", "qcow", "qed", "vmdk", "vdi", "vpc", "raw"])
def test_what_qemu_img_makes_is_recognised(tmp_path: Path, format_: str) -> None:
    image = tmp_path / "image"
    subprocess.run(["qemu-img", "create", "-q", "-f", format_, image, "1M"], check=True)
    header = read_header(str(image))
    assert header.format == format_
    assert header.backing is None
    assert header.size == (1_079_296 if format_ == "vpc" else 1 << 20)  # vpc rounds up to whole cylinders


@needs_qemu_img
def test_what_only_qcow2_says(tmp_path: Path) -> None:
    image = tmp_path / "image"
    made = {
        "compat=0.10": Qcow2Details("0.10", 1 << 16, (), None),
        "lazy_refcounts=on,extended_l2=on,cluster_size=128k": Qcow2Details(
            "1.1", 1 << 17, ("lazy_refcounts", "extended_l2"), None
        ),
    }
    for options, details in made.items():
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, image, "1M"], check=True)
        assert qcow2_details(image.read_bytes()) == details
    assert qcow2_details(b"QFI") is None


def test_the_payload_of_luks_counts() -> None:
    head = b"LUKS\xba\xbe\0\1".ljust(104, b"\0") + struct.pack(">I", 8)
    assert parse_header(head, probe(head), 8192) == Header("luks", 4096)


@needs_qemu_img
@pytest.mark.parametrize(("format_", "found"), [("qcow2", "raw"), ("qed", "raw"), ("qcow", None)])
def test_backing_files_qemu_img_makes(tmp_path: Path, format_: str, found: str | None) -> None:
    image = tmp_path / "image"
    command = ["qemu-img", "create", "-q", "-u", "-f", format_, "-b", "a/b,c.raw", "-F", "raw", str(image), "1M"]
    subprocess.run(command, check=True)
    assert read_header(str(image)) == Header(format_, 1 << 20, "a/b,c.raw", found)


def test_an_image_is_read_as_what_the_xml_says(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(qcow2(3, b"/etc/shadow", b"raw"))
    assert read_header(str(image), "raw") == Header("raw", image.stat().st_size)


@given(st.binary(max_size=300), st.sampled_from(["qcow2", "qcow", "qed", "raw", "vmdk"]))
def test_garbage_is_survived(content: bytes, format_: str) -> None:
    magic = {"qcow2": b"QFI\xfb\0\0\0\3", "qcow": b"QFI\xfb\0\0\0\1", "qed": b"QED\0"}.get(format_, b"")
    header = parse_header(magic + content, format_, 10)
    assert header.format == format_
    assert header.backing is None or len(header.backing) <= 1023


@pytest.mark.parametrize("length", [0, 1024, 1 << 31])
def test_names_of_impossible_length_are_none(length: int) -> None:
    head = bytearray(qcow2(3, b"x" * 10, b"raw"))
    head[16:20] = struct.pack(">I", length)
    assert parse_header(bytes(head).ljust(8192, b"a"), "qcow2", 0).backing is None


def test_extensions_without_end_are_survived() -> None:
    endless = qcow2()[:104] + struct.pack(">II", 7, 0) * 10_000
    assert parse_header(endless, "qcow2", 0).backing_format is None
