# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the emulator can run such a guest at all."""

from __future__ import annotations

from conf.domain import Domain
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import contradiction, unsupported
from virtd.errors import VirtError

#: Guests that an emulator for another architecture runs too.
_ALSO_RUNS = {
    "x86_64": ("i686",),
    "aarch64": ("armv6l", "armv7l"),
    "armv7l": ("armv6l",),
    "ppc64": ("ppc64le",),
    "ppc64le": ("ppc64",),
}

#: Kind of confidential guest → the emulator's flag and what it is called.
_LAUNCH_SECURITY = {"sev": ("sev-guest", "SEV"), "s390-pv": ("s390-pv-guest", "S390 PV")}


def validate_emulator(domain: Domain, emulator: EmulatorFacts) -> None:
    """Architecture, accelerator and machine type.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    arch, machine, system = domain.os.arch or "", domain.os.machine or "", domain.os.type
    if arch != emulator.arch and arch not in _ALSO_RUNS.get(emulator.arch, ()):
        raise _lacks(emulator, f"arch '{arch}'")
    if system is not None and system.type != "hvm":
        if system.type == "exe" and domain.os.init is None:
            raise contradiction("init binary must be specified")
        raise _lacks(emulator, f"os type '{system.type}'")
    if domain.type != "qemu" and not (domain.type == "kvm" and emulator.kvm):
        raise _lacks(emulator, f"virt type '{domain.type}'")
    if emulator.machine(machine, domain.type) is None:
        raise _lacks(emulator, f"machine type '{machine}'")
    if domain.launch_security is not None:
        flag, name = _LAUNCH_SECURITY[domain.launch_security.type]
        if not emulator.has(flag):
            raise unsupported(f"{name} launch security is not supported with this QEMU binary")


def _lacks(emulator: EmulatorFacts, what: str) -> VirtError:
    return unsupported(f"Emulator '{emulator.path}' does not support {what}")
