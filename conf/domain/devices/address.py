# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<address>`: where a device is plugged in.  One model a type; `Address` is any of them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from conf.binding import FormatOptions, Hex, Model, OnOff, ParseOptions, Scalar, Uint, attr, child, number
from conf.binding.fields import Values
from conf.binding.scalars import ULONG_MAX, BadValueError
from conf.errors import ConfigUnsupportedError, InternalError, XMLError


class ZPCI(Model):
    """`<zpci>`: a PCI address as S/390 numbers it."""

    uid: Annotated[int, Hex(4)] | None = attr()
    fid: Annotated[int, Hex(8)] | None = attr()


def check_pci_place(bus: int, slot: int, function: int) -> None:
    """Raise XMLError for a place that PCI does not have."""
    if bus > 0xFF:
        raise XMLError(f"Invalid PCI address bus='0x{bus:x}', must be <= 0xFF")
    if slot > 0x1F:
        raise XMLError(f"Invalid PCI address slot='0x{slot:x}', must be <= 0x1F")
    if function > 7:
        raise XMLError(f"Invalid PCI address function=0x{function:x}, must be <= 7")


class HostPCIAddress(Model):
    """A PCI function of the host."""

    domain: Annotated[int, Hex(4)] = attr(default=0)
    bus: Annotated[int, Hex(2)] = attr(default=0)
    slot: Annotated[int, Hex(2)] = attr(default=0)
    function: Annotated[int, Hex(1)] = attr(default=0)

    def check(self, options: ParseOptions) -> None:
        check_pci_place(self.bus, self.slot, self.function)

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


def _shown_part(value: int, own: Values, _around: Values, _options: FormatOptions) -> int | None:
    """An address that names no place has no parts either."""
    return value if own["domain"] or own["bus"] or own["slot"] or own["function"] else None


def _part() -> Any:
    return attr(default=0, shown=_shown_part)


class PCIAddress(Model):
    """`type='pci'`.  All zero means "any free slot" in a definition."""

    type: Literal["pci"] = attr(default="pci")
    domain: Annotated[int, Hex(4)] = _part()
    bus: Annotated[int, Hex(2)] = _part()
    slot: Annotated[int, Hex(2)] = _part()
    function: Annotated[int, Hex(1)] = _part()
    multifunction: OnOff | None = attr()
    zpci: ZPCI | None = child()

    def check(self, options: ParseOptions) -> None:
        check_pci_place(self.bus, self.slot, self.function)

    @property
    def is_empty(self) -> bool:
        """Whether no place is named.  A function alone is none."""
        return not (self.domain or self.bus or self.slot)

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


class DriveAddress(Model):
    """`type='drive'`: on an IDE, SCSI, SATA or floppy controller."""

    type: Literal["drive"] = attr(default="drive")
    controller: Uint = attr(default=0)
    bus: Uint = attr(default=0)
    target: Uint = attr(default=0)
    unit: Uint = attr(default=0)


class VirtioSerialAddress(Model):
    """`type='virtio-serial'`."""

    type: Literal["virtio-serial"] = attr(default="virtio-serial")
    controller: Uint = attr(default=0)
    bus: Uint = attr(default=0)
    port: Uint = attr(default=0)


class CCIDAddress(Model):
    """`type='ccid'`: a smartcard's slot."""

    type: Literal["ccid"] = attr(default="ccid")
    controller: Uint = attr(default=0)
    slot: Uint = attr(default=0)


_PORT = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,10}){0,3}", re.ASCII)


def _parse_port(text: str) -> str:
    """`1.2`: ports from the root hub downwards, four at most."""
    if not _PORT.fullmatch(text):
        raise BadValueError
    return ".".join(str(int(part)) for part in text.split("."))


class USBAddress(Model):
    """`type='usb'`; without a port, any port of the bus."""

    type: Literal["usb"] = attr(default="usb")
    bus: Uint = attr(default=0)
    port: Annotated[str, Scalar(_parse_port)] | None = attr(
        error=(InternalError, "Cannot parse <address> 'port' attribute")
    )


class SpaprVIOAddress(Model):
    """`type='spapr-vio'`: a register on pSeries' virtual bus."""

    type: Literal["spapr-vio"] = attr(default="spapr-vio")
    reg: Annotated[int, number(0, ULONG_MAX, base=16, form="#010x")] | None = attr()


class CCWAddress(Model):
    """`type='ccw'`: a channel of an S/390.  Either complete or empty ("any")."""

    type: Literal["ccw"] = attr(default="ccw")
    cssid: Annotated[int, Hex(0)] | None = attr()
    ssid: Annotated[int, Hex(0)] | None = attr()
    devno: Annotated[int, Hex(4)] | None = attr()

    def check(self, options: ParseOptions) -> None:
        given = [self.cssid, self.ssid, self.devno]
        if given == [None, None, None]:
            return
        if self.cssid is None or self.ssid is None or self.devno is None:
            raise InternalError("Invalid partial specification for virtio ccw address")
        if self.cssid > 254 or self.ssid > 3 or self.devno > 65535:
            raise InternalError(
                "Invalid specification for virtio ccw address: "
                f"cssid='0x{self.cssid:x}' ssid='0x{self.ssid:x}' devno='0x{self.devno:04x}'"
            )


class ISAAddress(Model):
    """`type='isa'`."""

    type: Literal["isa"] = attr(default="isa")
    iobase: Annotated[int, number(base=16, form="#x")] | None = attr()
    irq: Annotated[int, number(base=16, form="#x")] | None = attr()


class DIMMAddress(Model):
    """`type='dimm'`: a memory module's slot and, once plugged, its guest address."""

    type: Literal["dimm"] = attr(default="dimm")
    slot: Uint = attr(required=True)
    base: Annotated[int, number(0, ULONG_MAX, base=16, form="#x")] | None = attr()


class VirtioMMIOAddress(Model):
    """`type='virtio-mmio'`: the machine decides where."""

    type: Literal["virtio-mmio"] = attr(default="virtio-mmio")


class VirtioS390Address(Model):
    """`type='virtio-s390'`: of machines that are gone."""

    type: Literal["virtio-s390"] = attr(default="virtio-s390")

    def check(self, options: ParseOptions) -> None:
        raise XMLError("virtio-s390 bus doesn't have an address")


class UnassignedAddress(Model):
    """`type='unassigned'`: in the definition, but not given to the guest."""

    type: Literal["unassigned"] = attr(default="unassigned")


Address = (
    PCIAddress
    | DriveAddress
    | VirtioSerialAddress
    | CCIDAddress
    | USBAddress
    | SpaprVIOAddress
    | CCWAddress
    | ISAAddress
    | DIMMAddress
    | VirtioMMIOAddress
    | VirtioS390Address
    | UnassignedAddress
)

#: Arguments of `child` for a field of type `Address`.
UNKNOWN_ADDRESS_TYPE = (ConfigUnsupportedError, "unknown address type '%s'")
NO_ADDRESS_TYPE = (InternalError, "No type specified for device address")
