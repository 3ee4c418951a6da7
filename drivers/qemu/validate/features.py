# SPDX-License-Identifier: LGPL-2.1-or-later
"""Features that a machine or its emulator does not have."""

from __future__ import annotations

from collections.abc import Callable

from conf.domain import Domain
from conf.domain.features import Features
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import unsupported

#: Field of `Features` → name in XML and the machines that have it.
_MACHINES: dict[str, tuple[str, Callable[[Domain], bool]]] = {
    "pvspinlock": ("pvspinlock", machines.is_x86),
    "gic": ("gic", machines.is_arm_virt),
    "ioapic": ("ioapic", machines.is_x86),
    "hpt": ("hpt", machines.is_pseries),
    "htm": ("htm", machines.is_pseries),
    "nested_hv": ("nested-hv", machines.is_pseries),
    "ccf_assist": ("ccf-assist", machines.is_pseries),
    "cfpc": ("cfpc", machines.is_pseries),
    "sbbc": ("sbbc", machines.is_pseries),
    "ibs": ("ibs", machines.is_pseries),
}
#: Field of `Features` → the emulator's flag.
_FLAGS = {"vmport": "machine-vmport-opt", "vmcoreinfo": "vmcoreinfo"}


def validate_features(features: Features, domain: Domain, emulator: EmulatorFacts) -> None:
    """`<features>` suits the machine.

    Raises:
        VirtError: CONFIG_UNSUPPORTED, one of them does not.
    """
    where = f"for architecture '{domain.os.arch}' or machine type '{domain.os.machine}'"
    for field, (name, has) in _MACHINES.items():
        if getattr(features, field) is not None and not has(domain):
            raise unsupported(f"The '{name}' feature is not supported {where}")
    if features.hyperv is not None and not (machines.is_x86(domain) or machines.is_arm(domain)):
        raise unsupported(f"Hyperv features are not supported {where}")
    if features.tcg is not None and domain.type != "qemu":
        raise unsupported(f"TCG features are incompatible with domain type '{domain.type}'")
    if features.apic is not None and features.apic.eoi is not None and not machines.is_x86(domain):
        raise unsupported(f"The 'eoi' attribute of the 'apic' feature is not supported {where}")
    for field, flag in _FLAGS.items():
        state = getattr(features, field)
        if state is not None and (state.state or field == "vmport") and not emulator.has(flag):
            raise unsupported(f"{field} is not available with this QEMU binary")
