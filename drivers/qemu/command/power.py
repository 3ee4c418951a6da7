# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sleeping, switching off and booting."""

from __future__ import annotations

from drivers.qemu import machines
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine


def add_power(build: Build, line: CommandLine) -> None:
    """A guest that switches itself off leaves its QEMU behind, so that the daemon hears why; and sleeping states."""
    line.add("-no-shutdown")
    features = build.domain.features
    if build.caps.has("no-acpi") and not (features and features.acpi):
        line.add("-no-acpi")
    pm = build.domain.pm
    if pm is not None:
        chip = "ICH9-LPC" if machines.is_q35(build.domain) else "PIIX4_PM"
        for name, state in (("disable_s3", pm.suspend_to_mem), ("disable_s4", pm.suspend_to_disk)):
            if state is not None and state.enabled is not None:
                line.add("-global", f"{chip}.{name}={0 if state.enabled else 1}")
    _add_root_hotplug(build, line)


def _add_root_hotplug(build: Build, line: CommandLine) -> None:
    """Whether ACPI offers hotplug on the root bus of an i440fx."""
    for controller in build.domain.devices.controllers:
        target = controller.target
        if controller.type == "pci" and controller.model == "pci-root" and target and target.hotplug is not None:
            line.add("-global", f"PIIX4_PM.acpi-root-pci-hotplug={'on' if target.hotplug else 'off'}")


def add_boot(build: Build, line: CommandLine) -> None:
    """-boot and a kernel that is loaded directly."""
    os_ = build.domain.os
    menu = os_.bootmenu
    splash = menu.timeout if menu is not None and menu.enable else None
    line.add_list(
        "-boot",
        ("menu", menu.enable if menu is not None else None),
        ("splash-time", splash),
        ("reboot-timeout", os_.bios.reboot_timeout if os_.bios else None),
        ("strict", "on"),
    )
    for option, value in (
        ("-kernel", os_.kernel),
        ("-initrd", os_.initrd),
        ("-append", os_.cmdline),
        ("-dtb", os_.dtb),
    ):
        if value is not None:
            line.add(option, value)
    for table in os_.acpi.tables if os_.acpi else ():
        line.add_list("-acpitable", ("sig", table.type.upper()), ("file", table.path))
