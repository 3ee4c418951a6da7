# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether QEMU can run a completed definition: what it cannot is refused when it is defined, in libvirt's words."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.validation import DriverChecks, validate
from drivers.qemu.facts import EmulatorFacts, Site
from drivers.qemu.validate.clock import validate_timer
from drivers.qemu.validate.controllers import validate_usb
from drivers.qemu.validate.cpus import validate_cpus
from drivers.qemu.validate.devices import DEVICE_CHECKS, Question, check_place, validate_together
from drivers.qemu.validate.devices.memory import check_memories
from drivers.qemu.validate.disks import validate_hostdev_places, validate_throttling
from drivers.qemu.validate.emulators import validate_emulator
from drivers.qemu.validate.features import validate_features
from drivers.qemu.validate.firmware import validate_firmware
from drivers.qemu.validate.system import validate_system


def validate_definition(domain: Domain, emulator: EmulatorFacts, site: Site) -> None:
    """Check everything that can be known before the guest starts.

    Raises:
        ConfError, VirtError: the first thing found that cannot be.
    """
    machine = validate_emulator(domain, emulator)
    validate_usb(domain)
    if domain.features is not None:
        validate_features(domain.features, domain, emulator)
    validate_system(domain, emulator)
    for timer in domain.clock.timers:
        validate_timer(timer, domain)
    validate_cpus(domain, emulator, machine)
    if domain.devices.memories:
        check_memories(domain)
    validate_firmware(domain)
    validate_together(domain)
    validate(domain, DriverChecks(DEVICE_CHECKS, check_place, Question(domain, emulator, site)))
    if domain.devices.disks:
        validate_throttling(domain)
    if domain.devices.hostdevs:
        validate_hostdev_places(domain)
