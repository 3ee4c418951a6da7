# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an image says of itself: format, size, backing file.

The content is the guest's or a stranger's: nothing read here is followed, opened or trusted for a length;
the format of a guest's own image comes from the XML, never from here.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass

#: Enough for every header and the backing file's name behind it.
HEAD = 64 * 1024
#: The longest name formats allow is 1023 bytes.
MAX_NAME = 1023

QCOW2_BACKING_FORMAT = 0xE2792ACA
#: Feature bits of qed.
QED_HAS_BACKING, QED_BACKING_IS_RAW = 1, 4


@dataclass(slots=True, frozen=True)
class Header:
    """`backing` is the text in the image, `backing_format` None when it names none; `size` in bytes, 0 unknown."""

    format: str
    size: int = 0
    backing: str | None = None
    backing_format: str | None = None


def read_header(path: str, format_: str | None = None) -> Header:
    """Read an image's header; blocks.

    Args:
        format_: read it as this format; None: find out (which is for images of a trusted maker only).

    Raises:
        OSError: it cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        head = os.pread(fd, HEAD, 0)
        size = os.lseek(fd, 0, os.SEEK_END)
    finally:
        os.close(fd)
    return parse_header(head, format_ or probe(head), size)


def parse_header(head: bytes, format_: str, file_size: int) -> Header:
    """The header in an image's first bytes; one that is damaged says nothing."""
    parser = PARSERS.get(format_)
    if parser is None:
        return Header(format_, file_size if format_ in ("raw", "iso") else 0)
    try:
        return parser(head, file_size)
    except (struct.error, ValueError):
        return Header(format_)


def probe(head: bytes) -> str:
    """The format by its magic number; "raw" when there is none we know."""
    if head[:4] == b"QFI\xfb":
        return "qcow2" if head[4:8] in (b"\0\0\0\2", b"\0\0\0\3") else "qcow"
    for magic, offset, name in MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    return "raw"


MAGIC = (
    (b"QED\0", 0, "qed"),
    (b"KDMV", 0, "vmdk"),
    (b"\x7f\x10\xda\xbe", 64, "vdi"),
    (b"conectix", 0, "vpc"),
    (b"WithoutFreeSpace", 0, "ploop"),
    (b"WithouFreSpacExt", 0, "ploop"),
    (b"LUKS\xba\xbe", 0, "luks"),
    (b"CD001", 32769, "iso"),
)


def _name(head: bytes, offset: int, length: int) -> str | None:
    if not offset or not 0 < length <= MAX_NAME or offset + length > len(head):
        return None
    return head[offset : offset + length].rstrip(b"\0").decode(errors="surrogateescape") or None


def _qcow2(head: bytes, _file_size: int) -> Header:
    version, offset, length, _bits, size = struct.unpack_from(">IQIIQ", head, 4)
    start = struct.unpack_from(">I", head, 100)[0] if version >= 3 else 72
    backing = _name(head, offset, length)
    return Header("qcow2", size, backing, _qcow2_backing_format(head, start) if backing else None)


def _qcow2_backing_format(head: bytes, offset: int) -> str | None:
    while offset + 8 <= len(head):
        kind, length = struct.unpack_from(">II", head, offset)
        if kind == 0:
            return None
        if kind == QCOW2_BACKING_FORMAT:
            return _name(head, offset + 8, length)
        offset += 8 + (length + 7) // 8 * 8
    return None


def _qcow(head: bytes, _file_size: int) -> Header:
    offset, length, _mtime, size = struct.unpack_from(">QIIQ", head, 8)
    return Header("qcow", size, _name(head, offset, length))


def _qed(head: bytes, _file_size: int) -> Header:
    features, _compatible, _auto, _table, size, offset, length = struct.unpack_from("<QQQQQII", head, 16)
    backing = _name(head, offset, length) if features & QED_HAS_BACKING else None
    return Header("qed", size, backing, "raw" if backing and features & QED_BACKING_IS_RAW else None)


def _vdi(head: bytes, _file_size: int) -> Header:
    return Header("vdi", *struct.unpack_from("<Q", head, 368))


def _vpc(head: bytes, _file_size: int) -> Header:
    return Header("vpc", *struct.unpack_from(">Q", head, 48))


def _vmdk(head: bytes, _file_size: int) -> Header:
    return Header("vmdk", 512 * struct.unpack_from("<Q", head, 12)[0])


def _luks(head: bytes, file_size: int) -> Header:
    """Version 1 says where the data begin; of version 2, only the file's size is known."""
    version, payload = struct.unpack_from(">H", head, 6)[0], struct.unpack_from(">I", head, 104)[0]
    return Header("luks", max(0, file_size - 512 * payload) if version == 1 else file_size)


PARSERS = {
    "qcow2": _qcow2,
    "qcow": _qcow,
    "qed": _qed,
    "vdi": _vdi,
    "vpc": _vpc,
    "vmdk": _vmdk,
    "luks": _luks,
}


@dataclass(slots=True, frozen=True)
class Qcow2Details:
    """What only qcow2 says: `compat` is "0.10" or "1.1", `features` are by libvirt's names."""

    compat: str
    cluster_size: int
    features: tuple[str, ...]
    encryption: str | None


#: Bit of the header's compatible (first) and incompatible (second) features → libvirt's name.
_COMPATIBLE = {1: "lazy_refcounts"}
_INCOMPATIBLE = {1 << 4: "extended_l2"}
_ENCRYPTION = {1: "qcow", 2: "luks"}


def qcow2_details(head: bytes) -> Qcow2Details | None:
    """The same header, read for these; None where it is damaged."""
    try:
        version, bits, method = (struct.unpack_from(">I", head, offset)[0] for offset in (4, 20, 32))
        incompatible, compatible = struct.unpack_from(">QQ", head, 72) if version >= 3 else (0, 0)
    except struct.error:
        return None
    known = ((compatible, _COMPATIBLE), (incompatible, _INCOMPATIBLE))
    return Qcow2Details(
        compat="1.1" if version >= 3 else "0.10",
        cluster_size=1 << bits if bits < 32 else 0,
        features=tuple(name for present, names in known for bit, name in names.items() if present & bit),
        encryption=_ENCRYPTION.get(method),
    )
