# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serial ports, parallel ports and consoles: which is which, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from conf.domain import Domain
from conf.domain.devices.chardev import Console, ConsoleTarget, NumberedTarget, Parallel, Serial, SerialTarget
from virtd.errors import Code, VirtError

#: Serial ports that a machine's firmware and kernel use as console.
_CONSOLE_TYPES = ("isa-serial", "spapr-vio-serial", "system-serial", "sclp-serial", None)


def pair_console_with_serial(domain: Domain) -> None:
    """The first console and the first serial port are one device seen twice: add whichever is missing.

    Raises:
        VirtError: a further console claims to be a serial port.
    """
    devices = domain.devices
    for number, console in enumerate(devices.consoles):
        target = console.target = console.target or ConsoleTarget()
        target.type = target.type or "serial"
        if number and console.is_serial:
            raise VirtError(Code.CONFIG_UNSUPPORTED, "Only the first console can be a serial port")
    if domain.os.type is None or domain.os.type.type != "hvm":
        return
    if devices.consoles and devices.consoles[0].is_serial:
        if not devices.serials:
            devices.serials.append(_serial_of(devices.consoles[0]))
    elif devices.serials and devices.serials[0].target_type in _CONSOLE_TYPES:
        devices.consoles.insert(0, Console(target=ConsoleTarget(type="serial", port=0)))


def _serial_of(console: Console) -> Serial:
    """A serial port with what stands in the XML's console."""
    port = console.target.port if console.target else None
    return Serial(
        type=console.type,
        sources=console.sources,
        protocol=console.protocol,
        log=console.log,
        alias=console.alias,
        address=console.address,
        target=SerialTarget(port=port),
    )


def number_chardevs(domain: Domain) -> None:
    """Port numbers of all character devices that have them."""
    devices = domain.devices
    if devices.serials:
        _number_isa(devices.serials)
        _number(devices.serials)
    if devices.parallels:
        _number(devices.parallels)
    for number, console in enumerate(devices.consoles):
        target = console.target = console.target or ConsoleTarget()
        target.port = number


def _number_isa(serials: list[Serial]) -> None:
    """A PC's serial ports, where the XML calls them so, get the lowest numbers free among them."""
    targets = [s.target for s in serials if s.target and s.target.type == "isa-serial"]
    taken = {target.port for target in targets}
    for target in targets:
        if target.port is None:
            target.port = next(n for n in range(len(targets)) if n not in taken)
            taken.add(target.port)


def _number(devices: Sequence[Serial | Parallel]) -> None:
    """Ports that have no number get the ones above all that have."""
    given = [d.target.port for d in devices if d.target and d.target.port is not None]
    following = max(given, default=-1) + 1
    for device in devices:
        if isinstance(device, Serial):
            device.target = device.target or SerialTarget()
        else:
            device.target = device.target or NumberedTarget()
        if device.target.port is None:
            device.target.port = following
            following += 1
