# SPDX-License-Identifier: LGPL-2.1-or-later
"""Serial ports, parallel ports and consoles: which is which, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from conf.domain import Domain
from conf.domain.devices.chardev import Console, ConsoleTarget, NumberedTarget, Serial, SerialTarget
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
    serials: list[SerialTarget] = []
    for serial in devices.serials:
        serial.target = serial.target or SerialTarget()
        serials.append(serial.target)
    _number_isa([target for target in serials if target.type == "isa-serial"])
    _number(serials)
    parallels: list[NumberedTarget] = []
    for parallel in devices.parallels:
        parallel.target = parallel.target or NumberedTarget()
        parallels.append(parallel.target)
    _number(parallels)
    for number, console in enumerate(devices.consoles):
        console.target = console.target or ConsoleTarget()
        console.target.port = number


def _number_isa(targets: list[SerialTarget]) -> None:
    """A PC's serial ports, where the XML calls them so, get the lowest numbers free among them."""
    taken = {target.port for target in targets}
    for target in targets:
        if target.port is None:
            target.port = next(n for n in range(len(targets)) if n not in taken)
            taken.add(target.port)


def _number(targets: Sequence[NumberedTarget]) -> None:
    """Ports that have no number get the ones above all that have."""
    missing = [target for target in targets if target.port is None]
    if missing:
        given = [target.port for target in targets if target.port is not None]
        for port, target in enumerate(missing, max(given, default=-1) + 1):
            target.port = port
