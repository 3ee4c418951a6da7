# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be plugged where: PCI connection types and the buses that each controller model offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

LAST_BUS = 255
LAST_SLOT = 31
LAST_FUNCTION = 7


class Connect:
    """What a device needs from a bus, or a bus offers to devices: bits of plain numbers, for they are compared often.

    The low part names kinds of slots; a device fits a bus which shares one with it.
    """

    NONE: Final = 0

    PCI_DEVICE: Final = 1 << 0
    PCIE_DEVICE: Final = 1 << 1
    PCIE_ROOT_PORT: Final = 1 << 2
    PCIE_SWITCH_UPSTREAM_PORT: Final = 1 << 3
    PCIE_SWITCH_DOWNSTREAM_PORT: Final = 1 << 4
    DMI_TO_PCI_BRIDGE: Final = 1 << 5
    #: as in libvirt, for the number is seen in an error message
    PCIE_TO_PCI_BRIDGE: Final = 1 << 13
    PCI_EXPANDER_BUS: Final = 1 << 7
    PCIE_EXPANDER_BUS: Final = 1 << 8
    PCI_BRIDGE: Final = 1 << 9

    #: asks us for an address, or may be given to one who asks; other slots are for those who name them
    AUTOASSIGN: Final = 1 << 16
    #: is being plugged, or can be, while the guest runs
    HOTPLUGGABLE: Final = 1 << 17
    #: shares its slot with others of its kind, one function each
    AGGREGATE_SLOT: Final = 1 << 18
    #: part of the chipset, on bus 0 only
    INTEGRATED: Final = 1 << 19


ENDPOINTS = Connect.PCI_DEVICE | Connect.PCIE_DEVICE
KINDS = 0xFFFF
#: What a bus must offer besides a kind.
BEHAVIOUR = Connect.AUTOASSIGN | Connect.HOTPLUGGABLE

#: A kind's name in error messages.
KIND_NAMES = {
    Connect.PCI_DEVICE: "standard PCI device",
    Connect.PCIE_DEVICE: "PCI Express device",
    Connect.PCIE_ROOT_PORT: "pcie-root-port",
    Connect.PCIE_SWITCH_UPSTREAM_PORT: "pcie-switch-upstream-port",
    Connect.PCIE_SWITCH_DOWNSTREAM_PORT: "pcie-switch-downstream-port",
    Connect.DMI_TO_PCI_BRIDGE: "dmi-to-pci-bridge",
    Connect.PCIE_TO_PCI_BRIDGE: "pcie-to-pci-bridge",
    Connect.PCI_EXPANDER_BUS: "pci-expander-bus",
    Connect.PCIE_EXPANDER_BUS: "pcie-expander-bus",
    Connect.PCI_BRIDGE: "pci-bridge",
}
#: The model of the controller that is of a kind.
CONTROLLER_NAMES = {
    Connect.PCIE_ROOT_PORT: "pcie-root-port",
    Connect.PCIE_SWITCH_DOWNSTREAM_PORT: "pcie-switch-downstream-port",
    Connect.DMI_TO_PCI_BRIDGE: "dmi-to-pci-bridge",
    Connect.PCI_EXPANDER_BUS: "pci-expander-bus",
    Connect.PCIE_EXPANDER_BUS: "pcie-expander-bus",
    Connect.PCI_BRIDGE: "pci-bridge",
}


class BusKind(NamedTuple):
    """The slots below a controller model, and what the controller itself plugs into."""

    offers: int
    needs: int
    first_slot: int = 1
    last_slot: int = LAST_SLOT


_PCI_SLOTS = Connect.PCI_DEVICE | Connect.PCI_BRIDGE
_PORT = BEHAVIOUR | Connect.PCIE_DEVICE | Connect.PCIE_SWITCH_UPSTREAM_PORT | Connect.PCIE_TO_PCI_BRIDGE

BUS_KINDS: dict[str, BusKind] = {
    "pci-root": BusKind(BEHAVIOUR | _PCI_SLOTS | Connect.PCI_EXPANDER_BUS, Connect.NONE),
    "pci-bridge": BusKind(BEHAVIOUR | _PCI_SLOTS, Connect.PCI_BRIDGE),
    "pci-expander-bus": BusKind(_PCI_SLOTS, Connect.PCI_EXPANDER_BUS, first_slot=0),
    "pcie-root": BusKind(
        Connect.PCIE_DEVICE | Connect.PCIE_ROOT_PORT | Connect.DMI_TO_PCI_BRIDGE | Connect.PCIE_EXPANDER_BUS,
        Connect.NONE,
    ),
    "dmi-to-pci-bridge": BusKind(_PCI_SLOTS, Connect.DMI_TO_PCI_BRIDGE, first_slot=0),
    "pcie-to-pci-bridge": BusKind(BEHAVIOUR | _PCI_SLOTS, Connect.PCIE_TO_PCI_BRIDGE | Connect.AUTOASSIGN),
    "pcie-root-port": BusKind(_PORT, Connect.PCIE_ROOT_PORT | Connect.AGGREGATE_SLOT, first_slot=0, last_slot=0),
    "pcie-switch-upstream-port": BusKind(
        Connect.PCIE_SWITCH_DOWNSTREAM_PORT, Connect.PCIE_SWITCH_UPSTREAM_PORT, first_slot=0
    ),
    "pcie-switch-downstream-port": BusKind(_PORT, Connect.PCIE_SWITCH_DOWNSTREAM_PORT, first_slot=0, last_slot=0),
    "pcie-expander-bus": BusKind(
        Connect.PCIE_ROOT_PORT | Connect.DMI_TO_PCI_BRIDGE, Connect.PCIE_EXPANDER_BUS, first_slot=0
    ),
}


@dataclass(slots=True)
class Bus:
    """The bus below one PCI controller."""

    model: str
    offers: int
    first_slot: int
    last_slot: int
    isolation_group: int = 0
    isolation_locked: bool = False  #: the user mixed groups here
    slots: dict[int, int] = field(default_factory=dict)  #: functions in use, a bit each
    shared: set[int] = field(default_factory=set)  #: slots where more functions may join those there

    @classmethod
    def of_model(cls, model: str, *, hotplug: bool = True) -> Bus:
        """The bus of a controller; `hotplug=False` where the XML switches that off."""
        kind = BUS_KINDS[model]
        offers = kind.offers if hotplug else kind.offers & ~Connect.HOTPLUGGABLE
        return cls(model, offers, kind.first_slot, kind.last_slot)

    @property
    def untouched(self) -> bool:
        """Whether devices of any isolation group may still make it theirs."""
        return self.isolation_group == 0 and not self.isolation_locked and not self.slots

    def take(self, slot: int, function: int, flags: int, isolation_group: int = 0) -> None:
        """Put something that needs `flags` in a slot."""
        if isolation_group != self.isolation_group:
            if self.isolation_locked or self.slots:  # what the user put together stays together
                self.isolation_locked = True
                self.isolation_group = 0
            else:
                self.isolation_group = isolation_group
        functions = self.slots.get(slot, 0)
        if not flags & Connect.AGGREGATE_SLOT:
            self.shared.discard(slot)
        elif not functions:
            self.shared.add(slot)
        self.slots[slot] = functions | 1 << function

    def free_place(self, flags: int, function: int) -> tuple[int, int] | None:
        """The first slot and function where something with these needs may go."""
        if not self.offers & flags & KINDS or flags & BEHAVIOUR & ~self.offers:
            return None
        for slot in range(self.first_slot, self.last_slot + 1):
            taken = self.slots.get(slot, 0)
            if not taken:
                return slot, function
            if flags & Connect.AGGREGATE_SLOT and slot in self.shared:
                for candidate in range(function, LAST_FUNCTION + 1):
                    if not taken & 1 << candidate:
                        return slot, candidate
        return None

    @property
    def full(self) -> bool:
        """Whether no slot is left untouched."""
        return all(self.slots.get(n) for n in range(self.first_slot, self.last_slot + 1))
