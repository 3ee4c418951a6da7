# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's SMBIOS tables, as dmidecode reads them."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain.sysinfo import Entry
from conf.hostsysinfo import HostSysinfo, Part, format_host_sysinfo
from virtd.errors import Code, VirtError
from virtd.host import command

#: Firmware, system, base board, chassis, processors, the maker's own strings, memory.
_TABLES = "0,1,2,3,4,11,17"
READ_SECONDS = 10.0

#: dmidecode's title of a table → its label of a line → the entry's name, in the order in which they are written.
_BIOS = {"Vendor": "vendor", "Version": "version", "Release Date": "date", "BIOS Revision": "release"}
_SYSTEM = {
    "Manufacturer": "manufacturer",
    "Product Name": "product",
    "Version": "version",
    "Serial Number": "serial",
    "UUID": "uuid",
    "SKU Number": "sku",
    "Family": "family",
}
_BASE_BOARD = {
    "Manufacturer": "manufacturer",
    "Product Name": "product",
    "Version": "version",
    "Serial Number": "serial",
    "Asset Tag": "asset",
    "Location In Chassis": "location",
}
_CHASSIS = {
    "Manufacturer": "manufacturer",
    "Version": "version",
    "Serial Number": "serial",
    "Asset Tag": "asset",
    "SKU Number": "sku",
}
_PROCESSOR = {
    "Socket Designation": "socket_destination",
    "Type": "type",
    "Family": "family",
    "Manufacturer": "manufacturer",
    "Signature": "signature",
    "Version": "version",
    "External Clock": "external_clock",
    "Max Speed": "max_speed",
    "Status": "status",
    "Serial Number": "serial_number",
    "Part Number": "part_number",
}
_MEMORY = {
    "Size": "size",
    "Form Factor": "form_factor",
    "Locator": "locator",
    "Bank Locator": "bank_locator",
    "Type": "type",
    "Type Detail": "type_detail",
    "Speed": "speed",
    "Manufacturer": "manufacturer",
    "Serial Number": "serial_number",
    "Part Number": "part_number",
}
_EMPTY_SLOT = "No Module Installed"

#: A table: its title, and its lines by their labels.
Table = tuple[str, dict[str, str]]


async def host_sysinfo() -> str:
    """virConnectGetSysinfo: the document.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, the host does not tell.
    """
    try:
        told = await command.run("dmidecode", "-q", "-t", _TABLES, seconds=READ_SECONDS)
    except VirtError as error:
        raise _unavailable() from error
    found = parse(told.decode(errors="replace"))
    if found == HostSysinfo():
        raise _unavailable()
    return format_host_sysinfo(found)


def _unavailable() -> VirtError:
    return VirtError(Code.CONFIG_UNSUPPORTED, "Host SMBIOS information is not available")


def parse(text: str) -> HostSysinfo:
    """What dmidecode has written."""
    found = HostSysinfo()
    for title, lines in _tables(text):
        match title:
            case "BIOS Information":
                found.bios = found.bios or _entries(lines, _BIOS)
            case "System Information":
                found.system = found.system or _entries(lines, _SYSTEM)
            case "Chassis Information":
                found.chassis = found.chassis or _entries(lines, _CHASSIS)
            case "Base Board Information":
                found.base_boards.append(Part(entries=_entries(lines, _BASE_BOARD)))
            case "Processor Information":
                found.processors.append(Part(entries=_entries(lines, _PROCESSOR)))
            case "Memory Device":
                if lines.get("Size") != _EMPTY_SLOT:
                    found.memory_devices.append(Part(entries=_entries(lines, _MEMORY)))
            case "OEM Strings":
                found.oem_strings += [value for label, value in lines.items() if label.startswith("String ")]
    return found


def _tables(text: str) -> Iterator[Table]:
    """A title at the beginning of a line, then lines by one step to the right; lists below those are left out."""
    table: Table | None = None
    for line in text.splitlines():
        if line and not line[0].isspace():
            if table is not None:
                yield table
            table = line.strip(), {}
        elif table is not None and line.startswith("\t") and not line.startswith("\t\t"):
            label, sign, value = line.strip().partition(":")
            if sign and value.strip():
                table[1].setdefault(label, value.strip())
    if table is not None:
        yield table


def _entries(lines: dict[str, str], names: dict[str, str]) -> list[Entry]:
    return [Entry(name=name, value=lines[label]) for label, name in names.items() if label in lines]
