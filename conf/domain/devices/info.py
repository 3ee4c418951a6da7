# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all devices have in common; a device's class inherits the set that libvirt allows it.

Fields of a base class are written after the device's own, which is where they belong:
`<boot>`, `<alias>`, `<rom>`, `<acpi>`, `<address>`.
"""

from __future__ import annotations

import re
from typing import Any

from conf.binding import Model, OnOff, ParseOptions, Positive, YesNo, attr, child
from conf.domain.devices.address import NO_ADDRESS_TYPE, UNKNOWN_ADDRESS_TYPE, Address
from conf.errors import ConfigUnsupportedError, InternalError

_USER_ALIAS = re.compile(r"ua-[A-Za-z0-9_-]*", re.ASCII)
_LOADPARM = re.compile(r"[A-Z0-9. ]*", re.ASCII)


def is_user_alias(alias: str) -> bool:
    """Whether a user chose the alias: only such names stand in a definition."""
    return _USER_ALIAS.fullmatch(alias) is not None


def check_loadparm(value: str) -> str:
    """A boot loader's parameter (S/390) in upper case.

    Raises:
        InternalError: too long or with characters the loader does not know.
    """
    loadparm = value.upper()
    if not 1 <= len(loadparm) <= 8:
        raise InternalError(f"loadparm value '{loadparm}' must be between 1 and 8 characters")
    if not _LOADPARM.fullmatch(loadparm):
        raise InternalError(
            f"invalid loadparm value '{loadparm}', expecting chars in set of [a-zA-Z0-9.] and blank spaces"
        )
    return loadparm


class DeviceBoot(Model):
    """`<boot>`: the device's turn when the guest looks for something to boot."""

    order: Positive = attr(required=True)
    loadparm: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.loadparm is not None:
            self.loadparm = check_loadparm(self.loadparm)


class Rom(Model):
    """`<rom>`: a PCI device's option ROM."""

    enabled: YesNo | None = attr()
    bar: OnOff | None = attr()
    file: str | None = attr()

    def check(self, options: ParseOptions) -> None:
        if self.enabled is False and (self.bar is not None or self.file is not None):
            raise ConfigUnsupportedError("ROM tuning is not supported when ROM is disabled")


class ACPI(Model):
    """`<acpi>`: the index by which a guest's system names the device."""

    index: Positive | None = attr()


def alias_field() -> Any:
    """The field of a device's alias."""
    return attr("name", at="alias", live=True, transient=True, kept=is_user_alias)


class DeviceInfo(Model):
    """Any device.  `alias` is the name QEMU knows it by (its id); `address` None means not placed yet."""

    alias: str | None = alias_field()
    acpi: ACPI | None = child()
    address: Address | None = child(by="type", error=UNKNOWN_ADDRESS_TYPE, missing=NO_ADDRESS_TYPE)


class BootableDevice(DeviceInfo):
    """A device the guest may boot from: disk, redirected USB device."""

    boot: DeviceBoot | None = child()


class RomDevice(DeviceInfo):
    """A device that may be bootable and may carry an option ROM: interface, host device."""

    boot: DeviceBoot | None = child()
    # Declared again for its place: <rom> stands behind it.
    alias: str | None = alias_field()
    rom: Rom | None = child()
