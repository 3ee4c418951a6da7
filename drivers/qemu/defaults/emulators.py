# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which emulator runs a guest: the architecture and path where the XML names none."""

from __future__ import annotations

from conf.domain import Domain
from drivers.qemu.facts import HostFacts
from virtd.errors import Code, VirtError


def choose_emulator(domain: Domain, host: HostFacts) -> str:
    """Fill in architecture and emulator, and return the emulator's path.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, there is none.
    """
    assert domain.os.type is not None
    if domain.os.type.arch is None:
        domain.os.type.arch = host.host_arch
    if domain.devices.emulator is None:
        path = host.emulator_for(domain.os.type.arch)
        if path is None:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"No emulator found for arch '{domain.os.type.arch}'")
        domain.devices.emulator = path
    return domain.devices.emulator
