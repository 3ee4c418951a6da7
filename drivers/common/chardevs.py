# SPDX-License-Identifier: LGPL-2.1-or-later
"""Port numbers of serial ports, parallel ports and consoles."""

from __future__ import annotations

from collections.abc import Sequence

from conf.domain import Domain
from conf.domain.devices.chardev import ConsoleTarget, NumberedTarget, Parallel, Serial, SerialTarget


def number_chardevs(domain: Domain) -> None:
    """Port numbers of all character devices that have them."""
    _number_isa(domain.devices.serials)
    _number(domain.devices.serials)
    _number(domain.devices.parallels)
    for number, console in enumerate(domain.devices.consoles):
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
        if device.target is None:
            _give_target(device)
        assert device.target is not None
        if device.target.port is None:
            device.target.port = following
            following += 1


def _give_target(device: Serial | Parallel) -> None:
    match device:
        case Serial():
            device.target = SerialTarget()
        case Parallel():
            device.target = NumberedTarget()
