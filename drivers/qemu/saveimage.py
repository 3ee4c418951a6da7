# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files that a guest's memory is saved in: libvirt's header, the definition, a cookie, then QEMU's stream.

    "LibvirtQemudSave"   16 bytes; "LibvirtQemudPart" until everything is written
    version, length of the data, was running, compression, offset of the cookie   32 bits each
    56 bytes of nothing
    data: the definition and the cookie, each ended by a NUL, and room for a longer definition

Numbers have the byte order of the host that wrote them.  Everything here may be anybody's: a file that a
client names is read with the daemon's rights.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.document import MAX_BYTES
from conf.binding.reading import read
from conf.savecookie import SaveCookie
from virtd.errors import Code, VirtError

MAGIC: Final = b"LibvirtQemudSave"
PARTIAL_MAGIC: Final = b"LibvirtQemudPart"
VERSION: Final = 2
#: How QEMU's stream is packed, by the number in the header.
COMPRESSIONS: Final = ("raw", "gzip", "bzip2", "xz", "lzop")
#: Bytes that a new file has left for a definition that grows.
ROOM: Final = 64 * 1024
#: Longer data is no definition: documents have a limit of their own.
_MOST_DATA: Final = 4 * MAX_BYTES
_NUMBERS: Final = "5I56x"
HEADER_SIZE: Final = len(MAGIC) + struct.calcsize("<" + _NUMBERS)


@dataclass(frozen=True, slots=True)
class SaveImage:
    """What stands before QEMU's stream.

    Attributes:
        xml: the definition with which the guest goes on.
        cookie: see `parse_cookie`.
        was_running: it goes on by itself after a restore.
        compression: index in `COMPRESSIONS`; not checked before it is asked for.
        data_length: bytes that definition and cookie have in the file; 0 for a new one.
    """

    xml: str
    cookie: str | None = None
    was_running: bool = False
    compression: int = 0
    data_length: int = 0

    @property
    def stream_offset(self) -> int:
        """Where QEMU's stream begins."""
        return HEADER_SIZE + self.data_length

    @property
    def compression_name(self) -> str:
        """How the stream is packed.

        Raises:
            VirtError: OPERATION_FAILED: in no way that is known.
        """
        if self.compression >= len(COMPRESSIONS):
            raise _failed(f"Invalid compressed save format {self.compression}")
        return COMPRESSIONS[self.compression]


def _failed(text: str) -> VirtError:
    return VirtError(Code.OPERATION_FAILED, text)


def read_image(file: BinaryIO) -> SaveImage:
    """What a file says from its beginning up to QEMU's stream, which is read next.  Waits for the disk.

    Raises:
        VirtError: OPERATION_FAILED: it is no such file, or it ends too early.
    """
    head = _read(file, HEADER_SIZE, "qemu header")
    _check_magic(head[: len(MAGIC)])
    length, running, compression, cookie_offset = _numbers(head[len(MAGIC) :])
    if length == 0 or cookie_offset > length:
        raise _failed(f"invalid header data length: {length}")
    xml_length = cookie_offset or length
    xml = _read(file, xml_length, "domain XML")
    cookie = _read(file, length - xml_length, "cookie") if length > xml_length else b""
    return SaveImage(_text(xml), _text(cookie) or None, bool(running), compression, length)


def _check_magic(magic: bytes) -> None:
    if magic == PARTIAL_MAGIC:
        raise _failed("save image is incomplete")
    if magic != MAGIC:
        raise _failed("image magic is incorrect")


def _numbers(data: bytes) -> tuple[int, int, int, int]:
    """All numbers but the version, whose size tells the byte order."""
    version = 0
    for order in "<>":
        version, *numbers = struct.unpack(order + _NUMBERS, data)
        if version <= VERSION:
            length, running, compression, cookie_offset = numbers
            return length, running, compression, cookie_offset
    raise _failed(f"image version is not supported ({version} > {VERSION})")


def _read(file: BinaryIO, size: int, what: str) -> bytes:
    data = file.read(size) if size <= _MOST_DATA else b""
    if len(data) != size:
        raise _failed(f"failed to read {what}")
    return data


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def settled(image: SaveImage) -> SaveImage:
    """The image with its length: a new file's is chosen, that of one which exists has to do.

    Raises:
        VirtError: OPERATION_FAILED: definition and cookie are longer than that.
    """
    needed = len(_data(image))
    if image.data_length == 0:
        return replace(image, data_length=needed + ROOM)
    if needed > image.data_length:
        raise _failed("new xml too large to fit in file")
    return image


def pack_image(image: SaveImage, *, complete: bool) -> bytes:
    """The beginning of a file, up to QEMU's stream.

    Args:
        image: with its length, see `settled`.
        complete: the stream is there already; otherwise `MAGIC` is to be written in front when it is.
    """
    cookie_offset = len(_encoded(image.xml)) if image.cookie is not None else 0
    numbers = (VERSION, image.data_length, image.was_running, image.compression, cookie_offset)
    head = (MAGIC if complete else PARTIAL_MAGIC) + struct.pack("<" + _NUMBERS, *numbers)
    return head + _data(image).ljust(image.data_length, b"\0")


def _data(image: SaveImage) -> bytes:
    return _encoded(image.xml) + (_encoded(image.cookie) if image.cookie is not None else b"")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\0"


def parse_cookie(xml: str) -> SaveCookie:
    """The cookie of a file.

    Raises:
        ConfError: with libvirt's code and text.
    """
    return read(SaveCookie, parse_document(xml, "cookie", what="save cookie"), ParseOptions(inactive=False))


def format_cookie(cookie: SaveCookie) -> str:
    """A cookie as libvirt 9.0.0 writes it."""
    return format_document(cookie, "cookie", FormatOptions(inactive=False))
