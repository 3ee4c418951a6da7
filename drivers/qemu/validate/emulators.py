# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the emulator can run such a guest at all."""

from __future__ import annotations

from conf.domain import Domain
from drivers.qemu.facts import EmulatorFacts, Machine
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


def validate_emulator(domain: Domain, emulator: EmulatorFacts) -> Machine:
    """Architecture, accelerator and machine type, which is returned.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    arch, system = domain.os.arch or "", domain.os.type
    if arch != emulator.arch and arch not in _ALSO_RUNS.get(emulator.arch, ()):
        raise _lacks(emulator, f"arch '{arch}'")
    if system is not None and system.type != "hvm":
        if system.type == "exe" and domain.os.init is None:
            raise contradiction("init binary must be specified")
        raise _lacks(emulator, f"os type '{system.type}'")
    if domain.type != "qemu" and not (domain.type == "kvm" and emulator.kvm):
        raise _lacks(emulator, f"virt type '{domain.type}'")
    name = domain.os.machine or ""
    machine = emulator.machine(name, domain.type)
    if machine is None:
        raise _lacks(emulator, f"machine type '{name}'")
    if domain.launch_security is not None:
        flag, title = _LAUNCH_SECURITY[domain.launch_security.type]
        if not emulator.has(flag):
            raise unsupported(f"{title} launch security is not supported with this QEMU binary")
    return machine


def _lacks(emulator: EmulatorFacts, what: str) -> VirtError:
    return unsupported(f"Emulator '{emulator.path}' does not support {what}")
