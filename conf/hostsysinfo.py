# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host's firmware says of the machine (SMBIOS): `<sysinfo>` of a connection.  Only ever written."""

from __future__ import annotations

from conf.binding import FormatOptions, Model, attr, children, format_document, texts
from conf.domain.sysinfo import Entry


class Part(Model):
    """`<baseBoard>`, `<processor>`, `<memory_device>`: one of several of its kind."""

    entries: list[Entry] = children("entry")


class HostSysinfo(Model):
    """`<sysinfo>`."""

    type: str = attr(default="smbios")
    bios: list[Entry] = children("entry", within="bios")
    system: list[Entry] = children("entry", within="system")
    base_boards: list[Part] = children("baseBoard")
    chassis: list[Entry] = children("entry", within="chassis")
    processors: list[Part] = children("processor")
    memory_devices: list[Part] = children("memory_device")
    oem_strings: list[str] = texts("entry", within="oemStrings")


def format_host_sysinfo(found: HostSysinfo) -> str:
    """The document."""
    return format_document(found, "sysinfo", FormatOptions())
