# SPDX-License-Identifier: LGPL-2.1-or-later
"""From what a client wrote to what is stored: everything the XML leaves open is decided, and then stays so."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.validation import validate_early
from drivers.common.chardevs import number_chardevs, pair_console_with_serial
from drivers.common.controllers import add_hostdev_controllers, add_missing_controllers, number_controllers
from drivers.qemu.addresses import assign_addresses, assign_drives
from drivers.qemu.addresses.slots import assign_smartcards
from drivers.qemu.defaults.cpus import complete_cpu
from drivers.qemu.defaults.devices import complete_devices, complete_input
from drivers.qemu.defaults.emulators import choose_emulator
from drivers.qemu.defaults.firmware import complete_firmware
from drivers.qemu.defaults.implicit import add_audio, add_implicit_devices, add_ps2, add_video
from drivers.qemu.defaults.memory import complete_memories, complete_numa
from drivers.qemu.defaults.system import choose_machine, complete_system, drop_generated_paths
from drivers.qemu.facts import EmulatorFacts, Site
from drivers.qemu.validate import validate_definition

__all__ = ["choose_emulator", "prepare_definition"]


def prepare_definition(domain: Domain, emulator: EmulatorFacts, site: Site | None = None) -> None:
    """Complete a definition whose emulator was chosen (`choose_emulator`) and probed.

    Doing it again changes nothing.  Without a `site`, that of a system daemon as it comes.

    Raises:
        VirtError: the definition cannot be completed or is not one for QEMU.
    """
    site = site or Site()
    choose_machine(domain, emulator)
    complete_firmware(domain, site)
    add_hostdev_controllers(domain)
    number_controllers(domain)
    drop_generated_paths(domain)
    number_chardevs(domain)
    pair_console_with_serial(domain)
    for device in domain.devices.inputs:
        complete_input(device, domain)
    add_implicit_devices(domain, emulator)
    add_ps2(domain)
    add_video(domain)
    if not site.vnc_allow_host_audio:
        add_audio(domain)
    complete_system(domain, emulator)
    complete_cpu(domain, emulator)
    complete_numa(domain)
    complete_memories(domain)
    assign_drives(domain)
    assign_smartcards(domain)
    add_missing_controllers(domain)
    complete_devices(domain, emulator)
    validate_early(domain)
    assign_addresses(domain, emulator)
    validate_definition(domain, emulator, site)
