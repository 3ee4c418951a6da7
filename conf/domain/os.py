# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<os>`: what the guest boots."""

from __future__ import annotations

from typing import Annotated, Literal

from conf.binding import (
    Int,
    Model,
    ParseOptions,
    Scalar,
    Uint,
    YesNo,
    attr,
    child,
    child_text,
    children,
    on,
    text,
    texts,
    without,
)
from conf.domain.arches import WORDSIZES
from conf.domain.devices.storage_source import StorageSource
from conf.errors import ConfigUnsupportedError, InternalError, XMLError

#: Milliseconds that firmware can be told to wait.
_LONGEST_WAIT = 65535


#: What only guests with a machine to boot have, and what only those that begin with a program.
_OF_MACHINES = (
    "firmware", "firmware_features", "loader", "nvram", "kernel", "initrd", "dtb", "root", "acpi", "boots", "bootmenu",
    "bios",
)  # fmt: skip
#: How many kinds of devices are tried; more are ignored.
_MOST_BOOTS = 4
_OF_CONTAINERS = ("init", "initargs", "initenvs", "initdir", "inituser", "initgroup")


class OSType(Model):
    """`<type>`: the kind of guest; `type` is the text ("hvm", "exe", "xen", "linux" …)."""

    arch: str | None = attr(empty_is_unset=True)
    machine: str | None = attr(empty_is_unset=True)
    type: Literal["hvm", "xen", "linux", "exe", "uml", "xenpvh"] | None = text(
        error=(ConfigUnsupportedError, "unknown OS type '%s'")
    )

    def check(self, options: ParseOptions) -> None:
        if self.arch is not None and self.arch not in WORDSIZES:
            raise ConfigUnsupportedError(f"Unknown architecture {self.arch}")


class FirmwareFeature(Model):
    """`<feature>`: what an automatically chosen firmware must have or lack."""

    enabled: YesNo = attr(required=True)
    name: Literal["enrolled-keys", "secure-boot"] = attr(required=True)


class Firmware(Model):
    """`<firmware>`: each feature once, the last word counts; enrolled keys are of use with secure boot only."""

    features: list[FirmwareFeature] = children("feature")

    def check(self, options: ParseOptions) -> None:
        asked = {feature.name: feature for feature in self.features}
        if "enrolled-keys" in asked and asked["enrolled-keys"].enabled:
            asked.setdefault("secure-boot", FirmwareFeature(name="secure-boot", enabled=True))
        self.features = [asked[name] for name in ("enrolled-keys", "secure-boot") if name in asked]


class InitEnv(Model):
    """`<initenv>`: an environment variable of a container's init."""

    name: str = attr(required=(XMLError, "No name supplied for <initenv> element"))
    value: str | None = text()

    def check(self, options: ParseOptions) -> None:
        if self.value is None:
            raise XMLError(f"No value supplied for <initenv name='{self.name}'> element")


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

    def check(self, options: ParseOptions) -> None:
        if self.type is not None and self.source is None:
            raise InternalError("nvram of a type needs a source")


class ACPITable(Model):
    """`<table>`: an ACPI table given to the guest."""

    type: Literal["slic"] = attr(
        required=(XMLError, "Missing acpi table type"), error=(XMLError, "Unknown acpi table type: %s")
    )
    path: str = text(default="")


class OSACPI(Model):
    """`<acpi>` of `<os>`."""

    tables: list[ACPITable] = children("table")

    def check(self, options: ParseOptions) -> None:
        if len(self.tables) > 1:
            raise XMLError("Only one acpi table is supported")


class Boot(Model):
    """`<boot>`: a kind of device to boot from."""

    dev: Literal["fd", "hd", "cdrom", "network"] = attr(required=True)


class BootMenu(Model):
    """`<bootmenu>`; `timeout` in milliseconds."""

    enable: YesNo | None = attr()
    timeout: Uint | None = attr()

    def check(self, options: ParseOptions) -> None:
        if not self.enable:
            self.timeout = None
        if self.timeout is not None and self.timeout > _LONGEST_WAIT:
            raise ConfigUnsupportedError(f"invalid value for boot menu timeout, must be in range [0,{_LONGEST_WAIT}]")


class BIOS(Model):
    """`<bios>`; `reboot_timeout` in milliseconds, -1 for never."""

    useserial: Annotated[bool, Scalar(lambda text: text == "yes", lambda value: "yes" if value else "no")] | None = (
        attr()
    )
    reboot_timeout: Int | None = attr("rebootTimeout")

    def check(self, options: ParseOptions) -> None:
        if self.reboot_timeout is not None and not -1 <= self.reboot_timeout <= _LONGEST_WAIT:
            raise ConfigUnsupportedError(f"invalid value for rebootTimeout, must be in range [-1,{_LONGEST_WAIT}]")


class SMBIOSMode(Model):
    """`<smbios>`: where the guest's SMBIOS tables come from."""

    mode: Literal["emulate", "host", "sysinfo"] | None = attr(
        error=(ConfigUnsupportedError, "unknown smbios mode '%s'")
    )


class OS(Model):
    """`<os>`."""

    firmware: Literal["bios", "efi"] | None = attr(error=(XMLError, "unknown firmware value %s"), empty_is_unset=True)
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

    def check(self, options: ParseOptions) -> None:
        kind = self.type.type if self.type is not None else None
        if kind == "exe" and not all(self.initargs):
            raise XMLError("No data supplied for <initarg> element")
        self.boots = self.boots[:_MOST_BOOTS]
        for name in _OF_MACHINES if kind == "exe" else _OF_CONTAINERS:
            setattr(self, name, [] if name in ("boots", "initargs", "initenvs") else None)

    @property
    def arch(self) -> str | None:
        """The guest's architecture."""
        return self.type.arch if self.type else None

    @property
    def machine(self) -> str | None:
        """The machine type as it is written."""
        return self.type.machine if self.type else None
