# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<sysinfo>`: SMBIOS strings and firmware configuration entries."""

from __future__ import annotations

import re
from typing import Literal

from conf.binding import Model, ParseOptions, attr, children, on, text, texts
from conf.binding.scalars import BadValueError, parse_uuid
from conf.errors import XMLDetailError, XMLError

#: The strings of each SMBIOS table, in the order of writing; others are dropped.
_NAMES = {
    "bios": ("vendor", "version", "date", "release"),
    "system": ("manufacturer", "product", "version", "serial", "uuid", "sku", "family"),
    "baseBoard": ("manufacturer", "product", "version", "serial", "asset", "location"),
    "chassis": ("manufacturer", "version", "serial", "asset", "sku"),
}
_DATE = re.compile(r"(0?[1-9]|1[0-2])/(0?[1-9]|[12][0-9]|3[01])/([0-9]{2}|[0-9]{4})", re.ASCII)


class Entry(Model):
    """`<entry>`: a named string."""

    name: str | None = attr()
    value: str | None = text()


class FirmwareEntry(Entry):
    """`<entry>` of firmware configuration: a string or a file's content."""

    name: str = attr(required=(XMLError, "Firmware entry is missing 'name' attribute"), empty_is_unset=True)
    file: str | None = attr(empty_is_unset=True)
    value: str | None = text(when=on("file", None))

    def check(self, options: ParseOptions) -> None:
        if self.value is None and self.file is None:
            raise XMLError("Firmware entry must have either value or 'file' attribute")


def _known(table: str, entries: list[Entry]) -> list[Entry]:
    """A table's strings in their order: the first of each name, empty ones left out."""
    first: dict[str | None, Entry] = {}
    for entry in entries:
        if entry.value is not None:
            first.setdefault(entry.name, entry)
    return [first[name] for name in _NAMES[table] if name in first]


class BaseBoard(Model):
    """`<baseBoard>`."""

    entries: list[Entry] = children("entry")

    def check(self, options: ParseOptions) -> None:
        self.entries = _known("baseBoard", self.entries)


class Sysinfo(Model):
    """`<sysinfo>`."""

    type: Literal["smbios", "fwcfg"] = attr(required=True)
    bios: list[Entry] = children("entry", within="bios", when=on("type", "smbios"))
    system: list[Entry] = children("entry", within="system", when=on("type", "smbios"))
    base_boards: list[BaseBoard] = children("baseBoard", when=on("type", "smbios"), keep_empty=False)
    chassis: list[Entry] = children("entry", within="chassis", when=on("type", "smbios"))
    oem_strings: list[str] = texts("entry", within="oemStrings")
    entries: list[FirmwareEntry] = children("entry", when=on("type", "fwcfg"))

    def check(self, options: ParseOptions) -> None:
        self.bios = _known("bios", self.bios)
        self.system = _known("system", self.system)
        self.chassis = _known("chassis", self.chassis)
        date = self.string_of("date", self.bios)
        if date is not None and not _DATE.fullmatch(date):
            raise XMLDetailError("Invalid BIOS 'date' format")

    @staticmethod
    def string_of(name: str, entries: list[Entry]) -> str | None:
        """The value of an entry, None if there is no such."""
        return next((entry.value for entry in entries if entry.name == name), None)


def system_uuid(sysinfos: list[Sysinfo], uuid: str | None) -> str | None:
    """The domain's UUID, which is that the guest reads in its SMBIOS; `uuid` if nothing is said there.

    Raises:
        XMLDetailError: it is another one, or none.
    """
    found = uuid
    for sysinfo in sysinfos:
        stated = sysinfo.string_of("uuid", sysinfo.system)
        if stated is None:
            continue
        try:
            parsed = parse_uuid(stated)
        except BadValueError:
            raise XMLDetailError("malformed <sysinfo> uuid element") from None
        if uuid is not None and parsed != uuid:
            raise XMLDetailError("UUID mismatch between <uuid> and <sysinfo>")
        found = parsed
    return found
