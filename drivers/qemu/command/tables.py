# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables that the firmware hands to the guest: SMBIOS, fw_cfg, the generation id."""

from __future__ import annotations

from conf.domain.sysinfo import Entry, Sysinfo
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Option
from virtd.errors import Code, VirtError

#: SMBIOS table → element of <sysinfo> → its entries: QEMU's name for each, in QEMU's order.
_SMBIOS = {
    0: ("bios", {"vendor": "vendor", "version": "version", "date": "date", "release": "release"}),
    1: (
        "system",
        {n: n for n in ("manufacturer", "product", "version", "serial", "uuid", "sku", "family")},
    ),
    2: ("base_boards", {n: n for n in ("manufacturer", "product", "version", "serial", "asset", "location")}),
    3: ("chassis", {n: n for n in ("manufacturer", "version", "serial", "asset", "sku")}),
}


#: The table in which libvirt names a manufacturer whether there is one or not.
_CHASSIS = 3


def add_smbios(build: Build, line: CommandLine) -> None:
    """-smbios and -fw_cfg."""
    mode = build.domain.os.smbios.mode if build.domain.os.smbios else None
    if mode == "host":
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Host SMBIOS information is not available")
    if mode == "sysinfo":
        if not build.domain.sysinfos:
            raise VirtError(Code.XML_ERROR, f"Domain '{build.domain.name}' sysinfo are not available")
        tables = next((sysinfo for sysinfo in build.domain.sysinfos if sysinfo.type == "smbios"), None)
        if tables is not None:
            _add_smbios_tables(tables, line)
    for sysinfo in build.domain.sysinfos:
        if sysinfo.type == "fwcfg":
            for entry in sysinfo.entries:
                # Neither libvirt nor QEMU makes anything of commas in these.
                content = f"file={entry.file}" if entry.file else f"string={entry.value}"
                line.add("-fw_cfg", f"name={entry.name},{content}")


def _add_smbios_tables(sysinfo: Sysinfo, line: CommandLine) -> None:
    for type_, (element, names) in _SMBIOS.items():
        found = getattr(sysinfo, element)
        if element == "base_boards" and len(found) > 1:
            detail = "qemu does not support more than one entry to Type 2 in SMBIOS table"
            raise VirtError(Code.CONFIG_UNSUPPORTED, detail)
        tables: list[list[Entry]] = [board.entries for board in found] if element == "base_boards" else [found]
        for entries in tables:
            values = {entry.name: entry.value for entry in entries}
            if type_ == _CHASSIS and values:
                values.setdefault("manufacturer", "")
            options: list[Option] = [(name, values[key]) for key, name in names.items() if values.get(key) is not None]
            if options:
                line.add_list("-smbios", ("type", type_), *options)
    if sysinfo.oem_strings:
        line.add_list("-smbios", ("type", 11), *(("value", text) for text in sysinfo.oem_strings))


def add_genid(build: Build, line: CommandLine) -> None:
    """The device by which a guest notices that it was copied."""
    if build.domain.genid:
        line.add_json("-device", {"driver": "vmgenid", "guid": build.domain.genid, "id": "vmgenid0"})
