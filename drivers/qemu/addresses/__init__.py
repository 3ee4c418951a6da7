# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where devices are plugged in: every device of a definition gets an address that stays its own."""

from __future__ import annotations

from conf.domain import Domain
from drivers.common.drives import assign_drives
from drivers.qemu import machines
from drivers.qemu.addresses.pci_assign import assign_pci
from drivers.qemu.addresses.slots import assign_memory_slots
from drivers.qemu.addresses.spapr_vio import assign_spapr_vio
from drivers.qemu.addresses.usb_assign import assign_usb
from drivers.qemu.addresses.virtio_serial import assign_virtio_serial
from drivers.qemu.addresses.virtio_transport import assign_virtio_transport
from drivers.qemu.addresses.zpci import assign_zpci
from drivers.qemu.facts import EmulatorFacts

__all__ = ["assign_addresses", "assign_drives"]


def assign_addresses(domain: Domain, emulator: EmulatorFacts) -> None:
    """Addresses for all devices that lack one.  Drive addresses (`assign_drives`) come earlier: controllers follow from them.

    Raises:
        VirtError: an address in the XML cannot be or is used twice, or there is no room.
    """
    assign_virtio_serial(domain)
    assign_spapr_vio(domain)
    is_pc = machines.is_x86(domain)  # nothing but PCI, and that as usual
    if not is_pc:
        assign_virtio_transport(domain, emulator)
    before = list(domain.devices.controllers)
    assign_pci(domain, emulator)
    if not is_pc:
        assign_zpci(domain, emulator, before)
    assign_usb(domain)
    assign_memory_slots(domain)
