# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<os>`: what the guest boots."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Model,
    YesNo,
    attr,
    child,
    child_text,
    children,
    number,
    on,
    text,
    texts,
    without,
)
from conf.domain.devices.storage_source import StorageSource
from conf.errors import ConfigUnsupportedError, XMLError


class OSType(Model):
    """`<type>`: the kind of guest; `type` is the text ("hvm", "exe", "xen", "linux" …)."""

    arch: str | None = attr()
    machine: str | None = attr()
    type: str | None = text()


class FirmwareFeature(Model):
    """`<feature>`: what an automatically chosen firmware must have or lack."""

    enabled: YesNo = attr(required=True)
    name: Literal["enrolled-keys", "secure-boot"] = attr(required=True)


class Firmware(Model):
    """`<firmware>`."""

    features: list[FirmwareFeature] = children("feature")


class InitEnv(Model):
    """`<initenv>`: an environment variable of a container's init."""

    name: str = attr(required=(XMLError, "No name supplied for <initenv> element"))
    value: str | None = text(required=(XMLError, "No value supplied for <initenv> element"))


class Loader(Model):
    """`<loader>`: the firmware's image."""

    readonly: YesNo | None = attr()
    secure: YesNo | None = attr()
    type: Literal["rom", "pflash"] | None = attr()
    stateless: YesNo | None = attr()
    path: str | None = text()


class NVRAM(Model):
    """`<nvram>`: the firmware's variables: a path, or a source as a disk has it."""

    template: str | None = attr()
    type: Literal["file", "block", "dir", "network", "volume", "nvme", "vhostuser"] | None = attr()
    path: str | None = text(when=on("type", None))
    source: StorageSource | None = child(when=without("type", None))


class ACPITable(Model):
    """`<table>`: an ACPI table given to the guest."""

    type: Literal["slic"] = attr(required=True)
    path: str | None = text()


class OSACPI(Model):
    """`<acpi>` of `<os>`."""

    tables: list[ACPITable] = children("table")


class Boot(Model):
    """`<boot>`: a kind of device to boot from."""

    dev: Literal["fd", "hd", "cdrom", "network"] = attr(required=True)


class BootMenu(Model):
    """`<bootmenu>`; `timeout` in milliseconds."""

    enable: YesNo | None = attr()
    timeout: Annotated[int, number(0, 65535)] | None = attr(
        error=(ConfigUnsupportedError, "invalid value for boot menu timeout, must be in range [0,65535]")
    )


class BIOS(Model):
    """`<bios>`; `reboot_timeout` in milliseconds, -1 for never."""

    useserial: YesNo | None = attr()
    reboot_timeout: Annotated[int, number(-1, 65535)] | None = attr("rebootTimeout")


class SMBIOSMode(Model):
    """`<smbios>`: where the guest's SMBIOS tables come from."""

    mode: Literal["emulate", "host", "sysinfo"] = attr(required=True)


class OS(Model):
    """`<os>`."""

    firmware: Literal["bios", "efi"] | None = attr(error=(XMLError, "unknown firmware value %s"))
    type: OSType | None = child()
    firmware_features: Firmware | None = child("firmware")
    init: str | None = child_text()
    initargs: list[str] = texts("initarg")
    initenvs: list[InitEnv] = children("initenv")
    initdir: str | None = child_text()
    inituser: str | None = child_text()
    initgroup: str | None = child_text()
    loader: Loader | None = child()
    nvram: NVRAM | None = child()
    kernel: str | None = child_text()
    initrd: str | None = child_text()
    cmdline: str | None = child_text()
    dtb: str | None = child_text()
    root: str | None = child_text()
    acpi: OSACPI | None = child()
    boots: list[Boot] = children("boot")
    bootmenu: BootMenu | None = child()
    bios: BIOS | None = child()
    smbios: SMBIOSMode | None = child()

    @property
    def arch(self) -> str | None:
        """The guest's architecture."""
        return self.type.arch if self.type else None

    @property
    def machine(self) -> str | None:
        """The machine type as it is written."""
        return self.type.machine if self.type else None
