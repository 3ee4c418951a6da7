# SPDX-License-Identifier: LGPL-2.1-or-later
"""Character devices: `<serial>`, `<parallel>`, `<console>`, `<channel>`."""

from __future__ import annotations

from typing import Any, Literal

from conf.binding import FormatOptions, Int, Model, ParseOptions, Uint, attr, child, on
from conf.binding.fields import Values
from conf.domain.devices.chardev_source import CharacterBackend, CharacterSource, CharacterType
from conf.domain.devices.info import DeviceInfo
from conf.errors import ConfigUnsupportedError, InternalError, SystemCallError, XMLError
from conf.netdev.ip import canonical_address, ip_version

PORT_MASK = 0xFFFF
#: A PC has no more interrupts for them.
ISA_PORTS = 4
_UNKNOWN_TARGET = (ConfigUnsupportedError, "unknown target type '%s' specified for character device")


def _type() -> Any:
    return attr(
        default="pty",
        error=(ConfigUnsupportedError, "unknown type presented to host for character device: %s"),
    )


def _port() -> Any:
    """The device's number among its kind; None until one is given to it."""
    return attr(error=(XMLError, "Invalid port number: %s"))


class SerialTargetModel(Model):
    """`<model>`: the chip, where a target type comes with several."""

    name: (
        Literal[
            "isa-serial",
            "usb-serial",
            "pci-serial",
            "spapr-vty",
            "pl011",
            "sclpconsole",
            "sclplmconsole",
            "16550a",
            "isa-debugcon",
        ]
        | None
    ) = attr(error=(ConfigUnsupportedError, "unknown target model '%s' specified for character device"))


class NumberedTarget(Model):
    """`<target>` with a port number."""

    port: Int | None = _port()

    def check(self, options: ParseOptions) -> None:
        if self.port is not None and self.port < 0:
            self.port = None


class SerialTarget(NumberedTarget):
    """`<target>` of a serial port."""

    type: (
        Literal[
            "isa-serial",
            "usb-serial",
            "pci-serial",
            "spapr-vio-serial",
            "system-serial",
            "sclp-serial",
            "isa-debug",
            "none",
        ]
        | None
    ) = attr(error=_UNKNOWN_TARGET)
    port: Int | None = _port()
    model: SerialTargetModel | None = child()

    def check(self, options: ParseOptions) -> None:
        super().check(options)
        if self.type == "none":
            self.type = None
        if self.type == "isa-serial" and (self.port or 0) >= ISA_PORTS:
            raise InternalError(f"Maximum supported number of ISA serial ports is '{ISA_PORTS}'")


class ConsoleTarget(NumberedTarget):
    """`<target>` of a console."""

    type: Literal["none", "serial", "xen", "uml", "virtio", "lxc", "openvz", "sclp", "sclplm"] | None = attr(
        error=_UNKNOWN_TARGET
    )
    port: Int | None = _port()

    def check(self, options: ParseOptions) -> None:
        super().check(options)
        if self.type == "none":
            self.type = None


class ChannelTarget(Model):
    """`<target>` of a channel: a name in the guest, or an address that its user network forwards."""

    type: Literal["guestfwd", "virtio", "xen"] = attr(
        required=(ConfigUnsupportedError, _UNKNOWN_TARGET[1].replace("%s", "(null)")), error=_UNKNOWN_TARGET
    )
    name: str | None = attr(when=on("type", "virtio", "xen"))
    state: Literal["connected", "disconnected"] | None = attr(live=True, when=on("type", "virtio"))
    address: str | None = attr(
        when=on("type", "guestfwd"), required=(XMLError, "guestfwd channel does not define a target address")
    )
    port: Uint | None = attr(when=on("type", "guestfwd"), required=True)

    def check(self, options: ParseOptions) -> None:
        if self.address is None:
            return
        self.port = (self.port or 0) & PORT_MASK
        version = ip_version(self.address)
        if version is None:
            raise SystemCallError(f"Cannot parse socket address '{self.address}': Name or service not known")
        if version != 4:
            raise ConfigUnsupportedError("guestfwd channel only supports IPv4 addresses")
        self.address = canonical_address(self.address)


def _refuse_spicevmc(device: CharacterBackend) -> None:
    if device.type == "spicevmc":
        raise ConfigUnsupportedError("spicevmc device type only supports virtio")


class _SerialEnd(Model):
    target: SerialTarget | None = child()


class Serial(CharacterBackend, _SerialEnd, DeviceInfo):
    """`<serial>`."""

    type: CharacterType = _type()

    @property
    def target_type(self) -> str | None:
        """What kind of port the guest sees, if that was said."""
        return self.target.type if self.target else None

    def check(self, options: ParseOptions) -> None:
        super().check(options)
        _refuse_spicevmc(self)


class _ParallelEnd(Model):
    target: NumberedTarget | None = child()


class Parallel(CharacterBackend, _ParallelEnd, DeviceInfo):
    """`<parallel>`."""

    type: CharacterType = _type()

    def check(self, options: ParseOptions) -> None:
        super().check(options)
        _refuse_spicevmc(self)


class _ConsoleEnd(Model):
    target: ConsoleTarget | None = child()


def _pty_path(_value: str | None, own: Values, _around: Values, _options: FormatOptions) -> str | None:
    sources: list[CharacterSource] = own["sources"]
    target: ConsoleTarget | None = own["target"]
    first = target is None or not target.port
    return sources[0].path if own["type"] == "pty" and sources and first else None


class Console(CharacterBackend, _ConsoleEnd, DeviceInfo):
    """`<console>`: the first is another view of the first serial port where a machine has those."""

    type: CharacterType = _type()
    #: The path of a pty once more, for clients of long ago; written from the source.
    tty: str | None = attr(live=True, shown=_pty_path)

    def check(self, options: ParseOptions) -> None:
        super().check(options)
        _refuse_spicevmc(self)
        if self.tty is not None and self.type == "pty" and self.source is None:
            self.source = CharacterSource(path=self.tty)

    @property
    def is_serial(self) -> bool:
        """Whether it is a serial port's other name."""
        return self.target is not None and self.target.type == "serial"

    @classmethod
    def of_serial(cls, serial: Serial) -> Console:
        """The console that a serial port is."""
        return cls(
            type=serial.type,
            sources=serial.sources,
            protocol=serial.protocol,
            log=serial.log,
            target=ConsoleTarget(type="serial", port=serial.target.port if serial.target else None),
            alias=serial.alias,
            acpi=serial.acpi,
            address=serial.address,
        )


class _ChannelEnd(Model):
    target: ChannelTarget = child(required=(XMLError, "target type must be specified for channel device"))


class Channel(CharacterBackend, _ChannelEnd, DeviceInfo):
    """`<channel>`: a private line between guest and host."""

    type: CharacterType = _type()

    def may_lack_path(self) -> bool:
        return self.target.type != "guestfwd"
