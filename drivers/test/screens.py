# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest shows and says: its screen, and consoles and channels that give back what they get."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

from drivers.test.base import DomainPart
from virtd.calls import WithStream
from virtd.enums import DomainChannelFlags, DomainConsoleFlags
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef
from virtd.streams import Stream

#: Pixels of the screen, and bytes that a console holds back for a client that does not read.
WIDTH, HEIGHT = 640, 480
_MAX_HELD = 1 << 20


class Content(Stream):
    """Bytes that a client reads."""

    readable = True

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, limit: int) -> bytes | None:
        data, self._data = self._data[:limit], self._data[limit:]
        return data or None


class Echo(Stream):
    """Somebody at the other end who says what is said to him."""

    readable = writable = True

    def __init__(self) -> None:
        self._held = b""
        self._heard = asyncio.Event()

    async def read(self, limit: int) -> bytes | None:
        await self._heard.wait()
        data, self._held = self._held[:limit], self._held[limit:]
        if not self._held:
            self._heard.clear()
        return data

    async def write(self, data: bytes) -> None:
        if len(self._held) + len(data) > _MAX_HELD:
            raise VirtError(Code.OPERATION_FAILED, "nobody reads this console")
        self._held += data
        self._heard.set()


class ScreenApi(DomainPart):
    """virDomainScreenshot, virDomainOpenConsole, virDomainOpenChannel."""

    def domain_screenshot(self, dom: DomainRef, screen: int, flags: int) -> WithStream:
        """virDomainScreenshot: grey, as PNG."""
        check_flags(flags, 0, "testDomainScreenshot")
        self._running(dom)
        return WithStream(Content(screenshot()), "image/png")

    def domain_open_console(self, dom: DomainRef, dev_name: str | None, flags: int) -> WithStream:
        """virDomainOpenConsole: by the device's alias; without one the first console or serial port."""
        check_flags(flags, DomainConsoleFlags.FORCE | DomainConsoleFlags.SAFE, "testDomainOpenConsole")
        devices = self._running(dom).definition.devices
        _check_there([*devices.consoles, *devices.serials, *devices.parallels], dev_name, "console")
        return WithStream(Echo())

    def domain_open_channel(self, dom: DomainRef, name: str | None, flags: int) -> WithStream:
        """virDomainOpenChannel: by the channel's alias or the guest's name of it; without one the first."""
        check_flags(flags, DomainChannelFlags.FORCE, "testDomainOpenChannel")
        _check_there(self._running(dom).definition.devices.channels, name, "channel")
        return WithStream(Echo())


def _check_there(devices: list[Any], name: str | None, word: str) -> None:
    """Raise INTERNAL_ERROR unless there is such a device."""
    if name is None and not devices:
        raise VirtError(Code.INTERNAL_ERROR, f"cannot find default {word}")
    if name is not None and not any(name in (d.alias, getattr(d.target, "name", None)) for d in devices):
        raise VirtError(Code.INTERNAL_ERROR, f"cannot find {word} device '{name}'")


def screenshot() -> bytes:
    """A PNG image of a grey screen."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\x80" * WIDTH) * HEIGHT
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
