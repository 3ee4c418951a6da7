# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all devices have in common: addresses, ACPI indices, virtio options."""

from __future__ import annotations

from typing import Any

from conf.domain.abi.compare import Check, check_all, number, present, refuse, same, switch, word
from conf.domain.devices.address import (
    CCIDAddress,
    DIMMAddress,
    DriveAddress,
    ISAAddress,
    PCIAddress,
    VirtioSerialAddress,
)


def _pci(address: PCIAddress) -> str:
    return f"{address.domain:04x}:{address.bus:02x}:{address.slot:02x}.{address.function}"


_ADDRESS = "Target device %s %%s does not match source %%s"
#: Kind of address → what of it a guest sees; the others are only alike in kind.
_ADDRESSES: dict[type, tuple[Check, ...]] = {
    # The blank that is missing is missing in libvirt, too.
    PCIAddress: (same("Target device PCI address %sdoes not match source %s", _pci),),
    DriveAddress: (same(_ADDRESS % "drive address", lambda a: f"{a.controller}:{a.bus}:{a.unit}"),),
    VirtioSerialAddress: (same(_ADDRESS % "virtio serial address", lambda a: f"{a.controller}:{a.bus}:{a.port}"),),
    CCIDAddress: (same(_ADDRESS % "ccid address", lambda a: f"{a.controller}:{a.slot}"),),
    ISAAddress: (same(_ADDRESS % "isa address", lambda a: f"{a.iobase or 0}:{a.irq or 0}"),),
    DIMMAddress: (
        same(_ADDRESS % "dimm slot", "slot"),
        same("Target device dimm base address '%s' does not match source '%s'", lambda a: f"{a.base or 0:x}"),
    ),
}
_ADDRESS_TYPE = same("Target device address type %s does not match source %s", word("address.type", "none"))
_ACPI_INDEX = same("Target ACPI index '%s' does not match source '%s'", number("acpi.index"))


def info(old: Any, new: Any) -> None:
    """Check where two devices are plugged in."""
    _ADDRESS_TYPE(old, new)
    if old.address is not None:
        check_all(_ADDRESSES.get(type(old.address), ()), old.address, new.address)
    _ACPI_INDEX(old, new)


_OPTIONS = tuple(
    same(f"Target device {name} option '%s' does not match source '%s'", switch(f"driver.{name}"))
    for name in ("iommu", "ats", "packed", "page_per_vq")
)
_HAS_OPTIONS = present("driver")


def virtio(old: Any, new: Any) -> None:
    """Check the virtio options of two devices."""
    if _HAS_OPTIONS(old) != _HAS_OPTIONS(new):
        refuse("Target device virtio options don't match the source")
    check_all(_OPTIONS, old, new)
