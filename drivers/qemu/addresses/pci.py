# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI addresses: which are taken, which may be, and the next free one.

The set knows buses and numbers, no devices.  While `growing` it makes a bus for whatever finds no
room; that is how the controllers a definition lacks are found out.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.qemu.addresses.pci_buses import (
    BEHAVIOUR,
    CONTROLLER_NAMES,
    ENDPOINTS,
    KIND_NAMES,
    KINDS,
    LAST_BUS,
    LAST_FUNCTION,
    Bus,
    Connect,
)
from virtd.errors import Code, VirtError

#: How conventional devices come to Express guests.
_BRIDGE_AND_PORT = ["pcie-root-port", "pcie-to-pci-bridge"]


class PciAddress(NamedTuple):
    """Where a device sits.  The domain is always 0 in a QEMU guest."""

    bus: int
    slot: int
    function: int = 0
    domain: int = 0

    def __str__(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.slot:02x}.{self.function:x}"


class PciAddressSet:
    """All buses of a guest with what is plugged in."""

    def __init__(
        self, buses: list[Bus], *, growing: bool = False, multiple_roots: bool = False, pcie_to_pci: bool = True
    ) -> None:
        """`multiple_roots`: more room comes as further PHBs (pseries); `pcie_to_pci`: QEMU has that bridge."""
        self.buses = buses
        self.growing = growing
        self.multiple_roots = multiple_roots
        self.pcie_to_pci = pcie_to_pci
        # (flags, function, group) → first bus with room, so that many devices are not looked for from the start
        self._start: dict[tuple[int, int, int], int] = {}
        #: what the buses offer on which a place was searched and found
        self.searched_offers = 0

    def slot_in_use(self, address: PciAddress) -> bool:
        """Whether anything is in the slot."""
        return self.functions(address.bus, address.slot) != 0

    def functions(self, bus: int, slot: int) -> int:
        """What is in use of a slot, a bit each."""
        return self.buses[bus].slots.get(slot, 0) if bus < len(self.buses) else 0

    def reserve(self, address: PciAddress, flags: int, *, from_config: bool, isolation_group: int = 0) -> PciAddress:
        """Take an address.

        Returns it, or what it became: while `growing`, a bridge may have to come in before its bus.

        Raises:
            VirtError: the address cannot be, does not suit the device, or is taken; XML_ERROR if it stands in the
                configuration (`from_config`), else INTERNAL_ERROR.
        """
        if self.growing and address.bus >= len(self.buses):
            address = address._replace(bus=address.bus + self._grow_to(address.bus, flags))
        self.check(address, flags, from_config=from_config)
        bus = self.buses[address.bus]
        if bus.slots.get(address.slot, 0) & 1 << address.function:
            raise _complaint(f"Attempted double use of PCI Address {address}", from_config)
        bus.take(address.slot, address.function, flags, isolation_group)
        return address

    def release(self, address: PciAddress) -> None:
        """Give an address back."""
        slots = self.buses[address.bus].slots
        if address.slot in slots:
            slots[address.slot] &= ~(1 << address.function)
            self._start.clear()

    def reserve_next(self, flags: int, *, function: int = 0, isolation_group: int = 0) -> PciAddress:
        """Take the first address that suits.

        Raises:
            VirtError: INTERNAL_ERROR when there is none left and the set is not growing.
        """
        address = self.next_free(flags, function=function, isolation_group=isolation_group)
        if flags & Connect.INTEGRATED:
            self.check(address, flags, from_config=False)
        bus = self.buses[address.bus]
        bus.take(address.slot, address.function, flags, isolation_group)
        self.searched_offers |= bus.offers
        return address

    def next_free(self, flags: int, *, function: int = 0, isolation_group: int = 0) -> PciAddress:
        """The address `reserve_next` would take."""
        if not self.buses:
            raise VirtError(Code.XML_ERROR, "No PCI buses available")
        key = (flags, function, isolation_group)
        for number in range(self._start.get(key, 0), len(self.buses)):
            bus = self.buses[number]
            if bus.isolation_group == isolation_group and (place := bus.free_place(flags, function)):
                self._start[key] = number
                return PciAddress(number, *place)
        if isolation_group:
            for number, bus in enumerate(self.buses):
                if bus.untouched and (place := bus.free_place(flags, function)):
                    bus.isolation_group = isolation_group
                    return PciAddress(number, *place)
        if not self.growing:
            raise _homeless(flags, "No more available PCI slots")
        number = len(self.buses)
        number += self._grow_to(number, flags)
        self._start[key] = number
        bus = self.buses[number]
        bus.isolation_group = isolation_group
        return PciAddress(number, bus.first_slot, function)

    def _grow_to(self, wanted: int, flags: int) -> int:
        """Add buses until number `wanted` exists.

        Returns by how much that number is to be raised: a single conventional bus on an Express guest comes as the
        second of two, behind that which makes it possible.

        Raises:
            VirtError: INTERNAL_ERROR, no bus can be added for such a device, or not so many.
        """
        missing = wanted - len(self.buses) + 1
        if missing <= 0:
            return 0
        model, way = self._model_for(flags)
        raised = 1 if way and missing == 1 else 0
        if wanted + raised > LAST_BUS:
            raise no_slot(model)
        models = [*way, *[model] * (missing + raised - len(way))]
        first = len(self.buses)
        self.buses += [Bus.of_model(model) for model in models]
        if way is _BRIDGE_AND_PORT:
            # taken by the bridge
            self.buses[first].take(0, 0, Connect.PCIE_TO_PCI_BRIDGE)
        return raised

    def _model_for(self, flags: int) -> tuple[str, list[str]]:
        """The controller that gives room to a device, and controllers that come before the first such."""
        if flags & Connect.PCI_DEVICE:
            return self._pci_model()
        if flags & Connect.PCI_BRIDGE and self._is_pcie():
            return ("pci-bridge", _BRIDGE_AND_PORT) if self.pcie_to_pci else ("dmi-to-pci-bridge", [])
        if flags & (Connect.PCIE_DEVICE | Connect.PCIE_SWITCH_UPSTREAM_PORT):
            return "pcie-root-port", []
        raise _homeless(
            flags, f"Cannot automatically add a new PCI bus for a device with connect flags {flags & KINDS:02x}"
        )

    def _pci_model(self) -> tuple[str, list[str]]:
        if self.multiple_roots:
            return "pci-root", []
        if any(bus.offers & Connect.PCI_BRIDGE for bus in self.buses):
            return "pci-bridge", []
        return "pci-bridge", _BRIDGE_AND_PORT if self.pcie_to_pci else ["dmi-to-pci-bridge"]

    def _is_pcie(self) -> bool:
        return self.buses[0].model == "pcie-root"

    def check(self, address: PciAddress, flags: int, *, from_config: bool) -> None:
        """Refuse an address that does not exist or does not suit.

        Raises:
            VirtError: as `reserve`.
        """
        if not self.buses:
            raise _complaint("No PCI buses available", from_config)
        if address.domain:
            raise _complaint(f"Invalid PCI address {address}. Only PCI domain 0 is available", from_config)
        if address.bus >= len(self.buses):
            last = len(self.buses) - 1
            raise _complaint(f"Invalid PCI address {address}. Only PCI buses up to {last} are available", from_config)
        bus = self.buses[address.bus]
        _check_fit(address, bus.offers, flags, from_config=from_config)
        if address.slot < bus.first_slot:
            raise _complaint(f"Invalid PCI address {address}. slot must be >= {bus.first_slot}", from_config)
        if address.slot > bus.last_slot:
            raise _complaint(f"Invalid PCI address {address}. slot must be <= {bus.last_slot}", from_config)
        if address.function > LAST_FUNCTION:
            raise _complaint(f"Invalid PCI address {address}. function must be <= {LAST_FUNCTION}", from_config)


def _complaint(detail: str, from_config: bool) -> VirtError:
    return VirtError(Code.XML_ERROR if from_config else Code.INTERNAL_ERROR, detail)


def no_slot(model: str) -> VirtError:
    """The complaint about a PCI controller that finds no place."""
    return VirtError(
        Code.INTERNAL_ERROR,
        f"a PCI slot is needed to connect a PCI controller model='{model}', but none is available, "
        "and it cannot be automatically added",
    )


def _homeless(flags: int, otherwise: str) -> VirtError:
    """The complaint about anything that finds no place: its own for controllers."""
    controller = next((name for bit, name in CONTROLLER_NAMES.items() if flags & bit), None)
    return VirtError(Code.INTERNAL_ERROR, otherwise) if controller is None else no_slot(controller)


def _check_fit(address: PciAddress, offers: int, flags: int, *, from_config: bool) -> None:
    """Refuse a bus of the wrong kind.

    A person who writes an address may mix conventional and Express endpoints, put a pci-bridge where these go, and plug
    in where nothing is hotplugged.
    """
    kinds = flags & KINDS
    if from_config:
        flags &= ~BEHAVIOUR
        if flags & (ENDPOINTS | Connect.PCI_BRIDGE):
            flags |= ENDPOINTS
    if not offers & flags & KINDS:
        raise _complaint(_wrong_kind(address, kinds, flags), from_config)
    if flags & Connect.INTEGRATED and address.bus:
        detail = f"The device at PCI address {address} needs to be an integrated device (bus=0)"
        raise _complaint(detail, from_config)
    if flags & Connect.HOTPLUGGABLE and not offers & Connect.HOTPLUGGABLE:
        detail = (
            f"The device at PCI address {address} requires hotplug capability, "
            f"but the PCI controller with index='{address.bus}' doesn't support hotplug"
        )
        raise _complaint(detail, from_config)


def _wrong_kind(address: PciAddress, kinds: int, flags: int) -> str:
    place = f"The device at PCI address {address}"
    kind = next((name for bit, name in KIND_NAMES.items() if kinds & bit), None)
    if kind is None:
        return f"{place} has unrecognized connection type flags 0x{flags & KINDS:02x}"
    return (
        f"{place} cannot be plugged into the PCI controller with index='{address.bus}'. "
        f"It requires a controller that accepts a {kind}."
    )
