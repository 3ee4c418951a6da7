# SPDX-License-Identifier: LGPL-2.1-or-later
"""What belongs to the board: IOMMU, watchdogs, panic devices, NVRAM, crash information."""

from __future__ import annotations

from conf.domain.devices.address import ISAAddress, SpaprVIOAddress
from conf.domain.devices.iommu import IOMMU
from conf.domain.devices.panic import Panic
from conf.domain.devices.watchdog import Watchdog
from drivers.qemu.command.address import add_device, address_props
from drivers.qemu.command.context import Build
from drivers.qemu.command.line import CommandLine, Props, on_off, props


def add_iommu(build: Build, line: CommandLine) -> None:
    """The IOMMU, where it is a device; it has to be there before what it serves."""
    iommu = build.domain.devices.iommu
    if iommu is not None and iommu.model != "smmuv3":
        add_device(line, iommu, iommu_props(build, iommu))


def iommu_props(build: Build, iommu: IOMMU) -> Props:
    """-device of an IOMMU."""
    if iommu.model == "virtio":
        return props({"driver": "virtio-iommu", "id": iommu.alias, **address_props(build, iommu)})
    driver = iommu.driver
    return props(
        {
            "driver": "intel-iommu",
            "id": iommu.alias,
            "intremap": on_off(driver.intremap) if driver else None,
            "caching-mode": driver.caching_mode if driver else None,
            "eim": on_off(driver.eim) if driver else None,
            "device-iotlb": driver.iotlb if driver else None,
            "aw-bits": (driver.aw_bits or None) if driver else None,
        }
    )


def add_watchdogs(build: Build, line: CommandLine) -> None:
    """Watchdogs, and what happens when one barks."""
    for watchdog in build.domain.devices.watchdogs:
        add_device(line, watchdog, watchdog_props(build, watchdog))
        # A dump is made by the daemon, for which the guest has to stand still.
        action = "pause" if watchdog.action == "dump" else watchdog.action
        line.add("-watchdog-action", action)


def watchdog_props(build: Build, watchdog: Watchdog) -> Props:
    """-device of a watchdog."""
    return props({"driver": watchdog.model, "id": watchdog.alias, **address_props(build, watchdog)})


def add_panics(build: Build, line: CommandLine) -> None:
    """Devices by which a guest tells that it crashed; some are part of the board or the CPU."""
    for panic in build.domain.devices.panics:
        if panic.model == "isa":
            line.add_json("-device", panic_props(panic))


def panic_props(panic: Panic) -> Props:
    """-device of pvpanic."""
    place = panic.address
    return props({"driver": "pvpanic", "ioport": place.iobase or 0 if isinstance(place, ISAAddress) else None})


def add_nvram(build: Build, line: CommandLine) -> None:
    """pSeries' own NVRAM, which is part of the board."""
    nvram = build.domain.devices.nvram
    if nvram is not None and isinstance(nvram.address, SpaprVIOAddress) and nvram.address.reg is not None:
        line.add("-global", f"spapr-nvram.reg=0x{nvram.address.reg:x}")


def add_vmcoreinfo(build: Build, line: CommandLine) -> None:
    """What makes a dump of the guest's memory readable."""
    features = build.domain.features
    if features is not None and features.vmcoreinfo is not None and features.vmcoreinfo.state:
        line.add_json("-device", {"driver": "vmcoreinfo"})
