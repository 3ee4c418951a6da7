# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole command line: each subject adds its part, in libvirt's order.

The order matters where an option refers to what an earlier one made, and for devices without an
address of their own.
"""

from __future__ import annotations

from collections.abc import Callable

from conf.domain import Domain
from conf.domain.extensions import QemuProperty
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.command import basics
from drivers.qemu.command.audio import add_audio, add_sounds
from drivers.qemu.command.board import add_iommu, add_nvram, add_panics, add_vmcoreinfo, add_watchdogs
from drivers.qemu.command.clock import add_clock
from drivers.qemu.command.consoles import add_consoles
from drivers.qemu.command.context import Build, Context
from drivers.qemu.command.controllers import add_ccid_controllers, add_controllers
from drivers.qemu.command.cpu import add_cpu
from drivers.qemu.command.disks import add_disks, add_managed_pr_helper
from drivers.qemu.command.environment import environment
from drivers.qemu.command.filesystems import add_filesystems
from drivers.qemu.command.firmware import add_flash, add_loader
from drivers.qemu.command.graphics import add_graphics, add_no_display
from drivers.qemu.command.hostdevs import add_hostdevs
from drivers.qemu.command.inputs import add_inputs
from drivers.qemu.command.interfaces import add_interfaces
from drivers.qemu.command.line import CommandLine
from drivers.qemu.command.machine import add_machine
from drivers.qemu.command.memory import add_memory, add_modules
from drivers.qemu.command.numa import add_numa
from drivers.qemu.command.power import add_boot, add_power
from drivers.qemu.command.shmem import add_shmems
from drivers.qemu.command.small_virtio import add_balloon, add_rngs, add_vsock
from drivers.qemu.command.tables import add_genid, add_smbios
from drivers.qemu.command.tpm import add_tpms
from drivers.qemu.command.usb import add_hubs, add_redirdevs, add_smartcards
from drivers.qemu.command.videos import add_videos


def _add_no_defaults(_build: Build, line: CommandLine) -> None:
    """Nothing that the XML does not name."""
    line.add("-no-user-config", "-nodefaults")


def _add_timestamps(build: Build, line: CommandLine) -> None:
    if build.context.settings.log_timestamp:
        line.add("-msg", "timestamp=on")


_PARTS: tuple[Callable[[Build, CommandLine], None], ...] = (
    basics.add_name,
    basics.add_compatibility,
    basics.add_master_key,
    add_managed_pr_helper,
    add_flash,
    add_machine,
    add_cpu,
    add_loader,
    add_memory,
    basics.add_overcommit,
    basics.add_smp,
    basics.add_iothreads,
    add_numa,
    basics.add_uuid,
    add_smbios,
    add_genid,
    add_no_display,
    _add_no_defaults,
    basics.add_monitor,
    add_clock,
    add_power,
    add_boot,
    add_iommu,
    add_controllers,
    add_modules,
    add_hubs,
    add_ccid_controllers,
    add_disks,
    add_filesystems,
    add_interfaces,
    add_smartcards,
    add_consoles,
    add_tpms,
    add_inputs,
    add_audio,
    add_graphics,
    add_videos,
    add_sounds,
    add_watchdogs,
    add_redirdevs,
    add_hostdevs,
    basics.add_incoming,
    add_balloon,
    add_rngs,
    add_nvram,
    add_vmcoreinfo,
    basics.add_launch_security,
    basics.add_passthrough,
    basics.add_sandbox,
    add_panics,
    add_shmems,
    add_vsock,
    _add_timestamps,
)


def build(domain: Domain, capabilities: Capabilities, context: Context) -> CommandLine:
    """The command line for a domain that has its aliases and addresses.

    Raises:
        VirtError: the emulator cannot do what the domain asks for.
    """
    line = CommandLine(
        argv=[domain.devices.emulator or capabilities.path], env=environment(context), overrides=_overrides(domain)
    )
    under_construction = Build(domain, _as_the_user_says(capabilities, domain), context)
    for add in _PARTS:
        add(under_construction, line)
    return line


def _overrides(domain: Domain) -> dict[str, list[QemuProperty]]:
    devices = domain.override.devices if domain.override else []
    return {d.alias: d.frontend.properties for d in devices if d.frontend is not None}


def _as_the_user_says(capabilities: Capabilities, domain: Domain) -> Capabilities:
    """The emulator's flags with those that the domain forces on and off (`<qemu:capabilities>`)."""
    forced = domain.capabilities
    if forced is None:
        return capabilities
    on, off = ({flag.capability for flag in flags} for flags in (forced.adds, forced.dels))
    return capabilities.model_copy(update={"flags": (capabilities.flags | on) - off})
