# SPDX-License-Identifier: LGPL-2.1-or-later
"""USB buses, hubs and ports: which are taken and which is next.

A port is a path: `(1, 3)` is port 3 of the hub at port 1, written "1.3".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from virtd.errors import Code, VirtError

#: QEMU's `usb-hub`.
HUB_PORTS = 8
#: A path has at most as many steps.
MAX_DEPTH = 4

Port = tuple[int, ...]


def port_text(port: Port) -> str:
    """As XML has it."""
    return ".".join(map(str, port))


def parse_port(text: str) -> Port:
    """The path in an XML attribute, which the parser has checked."""
    return tuple(int(step) for step in text.split("."))


@dataclass(slots=True)
class Hub:
    """A controller's root hub, or a hub."""

    size: int
    taken: set[int] = field(default_factory=set)
    hubs: dict[int, Hub] = field(default_factory=dict)

    def free_port(self, depth: int = 1) -> Port | None:
        """The first free port: here, or else below the first hub that has one."""
        here = next((n for n in range(1, self.size + 1) if n not in self.taken), None)
        if here is not None:
            return (here,)
        if depth == MAX_DEPTH:
            return None
        for number, hub in sorted(self.hubs.items()):
            if below := hub.free_port(depth + 1):
                return (number, *below)
        return None


class UsbAddressSet:
    """The USB buses of a guest by number; a bus without a controller does not exist."""

    def __init__(self) -> None:
        self.buses: dict[int, Hub] = {}

    def add_bus(self, number: int, ports: int) -> None:
        """A controller with so many ports.

        Raises:
            VirtError: XML_ERROR, there is one of that number.
        """
        if number in self.buses:
            raise VirtError(Code.XML_ERROR, f"Duplicate USB controllers with index {number}")
        self.buses[number] = Hub(ports)

    def add_hub(self, bus: int, port: Port) -> None:
        """A hub sits at a port, which is reserved already.

        Raises:
            VirtError: XML_ERROR, there is no such place, or a hub already.
        """
        parent = self._hub_of(bus, port)
        if port[-1] in parent.hubs:
            raise VirtError(Code.XML_ERROR, f"USB hub already exists at bus {bus} port {port_text(port)}")
        parent.hubs[port[-1]] = Hub(HUB_PORTS)

    def reserve(self, bus: int, port: Port) -> None:
        """Take a port.

        Raises:
            VirtError: XML_ERROR, it does not exist or is taken.
        """
        hub = self._hub_of(bus, port)
        if port[-1] in hub.taken:
            raise VirtError(Code.XML_ERROR, f"Duplicate USB address bus {bus} port {port_text(port)}")
        hub.taken.add(port[-1])

    def release(self, bus: int, port: Port) -> None:
        """Give a port back, and what hangs below it."""
        hub = self._hub_of(bus, port)
        hub.taken.discard(port[-1])
        hub.hubs.pop(port[-1], None)

    def reserve_next(self, bus: int | None = None) -> tuple[int, Port]:
        """Take the first free port, of one bus if it is given.

        Raises:
            VirtError: XML_ERROR, there is none.
        """
        for number in self._candidates(bus):
            if port := self.buses[number].free_port():
                self.reserve(number, port)
                return number, port
        if bus is not None:
            raise VirtError(Code.INTERNAL_ERROR, f"No free USB port on bus {bus}")
        raise VirtError(Code.INTERNAL_ERROR, "No free USB ports")

    def _candidates(self, bus: int | None) -> Iterator[int]:
        if bus is None:
            yield from sorted(self.buses)
            return
        if bus not in self.buses:
            raise VirtError(Code.XML_ERROR, f"USB bus {bus} requested but no controller with that index is present")
        yield bus

    def _hub_of(self, bus: int, port: Port) -> Hub:
        if bus not in self.buses:
            raise VirtError(Code.XML_ERROR, f"Missing USB bus {bus}")
        hub = self.buses[bus]
        for step in port[:-1]:
            if step not in hub.hubs:
                detail = f"there is no hub at port {step} in USB address bus: {bus} port: {port_text(port)}"
                raise VirtError(Code.XML_ERROR, detail)
            hub = hub.hubs[step]
        if port[-1] > hub.size:
            detail = f"requested USB port {port_text(port)} not present on USB bus {bus}"
            raise VirtError(Code.XML_ERROR, detail)
        return hub
