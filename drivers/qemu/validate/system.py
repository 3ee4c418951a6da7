# SPDX-License-Identifier: LGPL-2.1-or-later
"""Features of the machine, and memory."""

from __future__ import annotations

from conf.domain import Domain
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported

_MIB = 1024 * 1024


def validate_system(domain: Domain) -> None:
    """Features suit the machine, memory its nodes.

    Raises:
        VirtError: what does not.
    """
    _validate_smm(domain)
    _validate_memory(domain)
    if domain.cputune and domain.cputune.cachetunes and domain.type != "kvm":
        raise unsupported("cachetune is only supported for KVM domains")


def _validate_smm(domain: Domain) -> None:
    smm = domain.features.smm if domain.features else None
    if smm is None or smm.tseg is None:
        return
    if not machines.is_q35(domain):
        raise unsupported("SMM TSEG is only supported with q35 machine type")
    if smm.tseg % _MIB:
        raise unsupported("SMM TSEG size must be divisible by 1 MiB")


def _validate_memory(domain: Domain) -> None:
    nodes = len(domain.cpu.numa.cells) if domain.cpu and domain.cpu.numa else 0
    if domain.max_memory is not None and not nodes and not machines.is_pseries(domain):
        raise unsupported("At least one numa node has to be configured when enabling memory hotplug")
