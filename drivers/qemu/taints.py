# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of a definition nobody answers for, or will not for much longer: virDomainGetMessages."""

from __future__ import annotations

from collections.abc import Iterator

from conf.domain import Domain
from drivers.qemu.capabilities import Capabilities
from drivers.qemu.settings import Account

HIGH_PRIVILEGES = "running with undesirable elevated privileges"
DEPRECATED = "use of deprecated configuration settings"


def taints(domain: Domain, capabilities: Capabilities, account: Account | None, *, privileged: bool) -> Iterator[str]:
    """Why a guest that starts by this definition is on its user's own responsibility."""
    if privileged and account is None:
        yield HIGH_PRIVILEGES
    if domain.capabilities is not None:
        yield "hypervisor feature autodetection override"
    if domain.commandline is not None:
        yield "custom configuration parameters specified"
    if domain.cpu is not None and domain.cpu.mode == "host-passthrough":
        yield "use of host cpu passthrough"
    if any(deprecations(domain, capabilities)):
        yield DEPRECATED
    if domain.os.dtb:
        yield "custom device tree blob used"
    devices = domain.devices
    if any(disk.rawio for disk in devices.disks):
        yield HIGH_PRIVILEGES
    if domain.override is not None:
        yield "custom device configuration"
    if any(card.script is not None and card.script.path for card in devices.interfaces):
        yield "network configuration using opaque shell scripts"


def deprecations(domain: Domain, capabilities: Capabilities) -> Iterator[str]:
    """What the emulator says it will not have for ever."""
    name = domain.os.machine or ""
    machine = capabilities.machine(name, domain.type)
    if machine is not None and machine.deprecated:
        yield f"machine type '{name}'"
    model = domain.cpu.model.name if domain.cpu is not None and domain.cpu.model is not None else None
    for known in capabilities.cpu_facts(domain.type).models:
        if known.name == model and known.deprecated:
            yield f"CPU model '{model}'"
