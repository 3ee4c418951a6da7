# SPDX-License-Identifier: LGPL-2.1-or-later
"""Channel subsystem addresses of s390 guests."""

from __future__ import annotations

from typing import NamedTuple

from virtd.errors import Code, VirtError

#: The channel subsystem image of virtio devices.
VIRTIO_CSSID = 0xFE
_MAX_DEVNO = 0xFFFF
_MAX_SSID = 3


class CcwAddress(NamedTuple):
    """Prints as `fe.0.0001`."""

    cssid: int
    ssid: int
    devno: int

    def __str__(self) -> str:
        return f"{self.cssid:x}.{self.ssid:x}.{self.devno:04x}"


class CcwAddressSet:
    """The addresses taken, and the next in order."""

    def __init__(self, cssid: int = VIRTIO_CSSID) -> None:
        self._taken: set[CcwAddress] = set()
        self._next = CcwAddress(cssid, 0, 0)

    def reserve(self, address: CcwAddress) -> None:
        """Take an address.

        Raises:
            VirtError: XML_ERROR if it is taken.
        """
        if address in self._taken:
            raise VirtError(Code.XML_ERROR, f"The CCW devno '{address}' is in use already ")
        self._taken.add(address)

    def release(self, address: CcwAddress) -> None:
        """Give an address back; the search starts there again if it is lower."""
        self._taken.discard(address)
        if address.cssid == self._next.cssid:
            self._next = min(self._next, address)

    def reserve_next(self) -> CcwAddress:
        """Take the lowest free address.

        Raises:
            VirtError: INTERNAL_ERROR when none is left.
        """
        while self._next in self._taken:
            self._next = self._after(self._next)
        self._taken.add(self._next)
        return self._next

    @staticmethod
    def _after(address: CcwAddress) -> CcwAddress:
        if address.devno < _MAX_DEVNO:
            return address._replace(devno=address.devno + 1)
        if address.ssid < _MAX_SSID:
            return CcwAddress(address.cssid, address.ssid + 1, 0)
        raise VirtError(Code.INTERNAL_ERROR, "There are no more free CCW devnos.")
