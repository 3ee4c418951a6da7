# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports of virtio-serial controllers."""

from __future__ import annotations

from virtd.errors import Code, VirtError

#: Ports of a controller for which the XML gives no number.
DEFAULT_PORTS = 31


class VirtioSerialPorts:
    """Controllers by index, each with a set of taken ports."""

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._taken: dict[int, set[int]] = {}

    def add_controller(self, index: int, ports: int | None) -> None:
        """A controller with so many ports, or the default.

        Raises:
            VirtError: INTERNAL_ERROR if the index exists.
        """
        if index in self._sizes:
            raise VirtError(
                Code.INTERNAL_ERROR, f"virtio serial controller with index {index} already exists in the address set"
            )
        self._sizes[index] = DEFAULT_PORTS if ports is None else ports
        self._taken[index] = set()

    def has_controller(self, index: int) -> bool:
        """Whether there is one of this index."""
        return index in self._sizes

    def reserve(self, controller: int, port: int) -> None:
        """Take a port.

        Raises:
            VirtError: XML_ERROR, no such controller or port, or it is taken.
        """
        if controller not in self._sizes:
            raise VirtError(Code.XML_ERROR, f"virtio serial controller {controller} is missing")
        if port >= self._sizes[controller]:
            raise VirtError(Code.XML_ERROR, f"virtio serial controller {controller} does not have port {port}")
        if port in self._taken[controller]:
            raise VirtError(Code.XML_ERROR, f"virtio serial port {port} on controller {controller} is already occupied")
        self._taken[controller].add(port)

    def release(self, controller: int, port: int) -> None:
        """Give a port back."""
        self._taken.get(controller, set()).discard(port)

    def reserve_next(self, controller: int | None = None, *, allow_zero: bool) -> tuple[int, int] | None:
        """Take the first free port, of one controller if it is given; only a console may have port 0.

        Returns controller and port, or None where all are taken.
        """
        first = 0 if allow_zero else 1
        for index in sorted(self._sizes) if controller is None else [controller]:
            taken = self._taken.get(index, set())
            for port in range(first, self._sizes.get(index, 0)):
                if port not in taken:
                    taken.add(port)
                    return index, port
        return None

    @property
    def next_controller(self) -> int:
        """The lowest index without a controller."""
        return next(n for n in range(len(self._sizes) + 1) if n not in self._sizes)
