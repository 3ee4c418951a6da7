# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<sysinfo>`: SMBIOS strings and firmware configuration entries."""

from __future__ import annotations

from typing import Literal

from conf.binding import Model, attr, children, on, text, texts


class Entry(Model):
    """`<entry>`: a named string; for fwcfg possibly a file's content."""

    name: str = attr(required=True)
    file: str | None = attr()
    value: str | None = text()


class BaseBoard(Model):
    """`<baseBoard>`."""

    entries: list[Entry] = children("entry")


class Sysinfo(Model):
    """`<sysinfo>`."""

    type: Literal["smbios", "fwcfg"] = attr(required=True)
    bios: list[Entry] = children("entry", within="bios", when=on("type", "smbios"))
    system: list[Entry] = children("entry", within="system", when=on("type", "smbios"))
    base_boards: list[BaseBoard] = children("baseBoard", when=on("type", "smbios"), keep_empty=False)
    chassis: list[Entry] = children("entry", within="chassis", when=on("type", "smbios"))
    oem_strings: list[str] = texts("entry", within="oemStrings")
    entries: list[Entry] = children("entry", when=on("type", "fwcfg"))
