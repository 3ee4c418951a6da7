# SPDX-License-Identifier: LGPL-2.1-or-later
"""Features of the machine, memory, actions."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.features import SMM
from conf.domain.power import PM
from conf.domain.sysinfo import Sysinfo
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts
from drivers.qemu.validate.complaints import unsupported

_MIB = 1024 * 1024


def validate_system(domain: Domain, emulator: EmulatorFacts) -> None:
    """Features suit the machine, memory its nodes, actions what QEMU can do.

    Raises:
        VirtError: what does not.
    """
    if domain.bootloader is not None:
        raise unsupported("bootloader is not supported by QEMU")
    if domain.genid is not None and not emulator.has("vmgenid"):
        raise unsupported("this QEMU does not support the 'genid' capability")
    features = domain.features
    if domain.pm is not None:
        _validate_sleep(domain.pm, domain, emulator)
    validate_actions(domain)
    if features is not None and features.smm is not None:
        _validate_smm(features.smm, domain)
    _validate_memory(domain)
    for sysinfo in domain.sysinfos:
        _validate_firmware_entries(sysinfo)
    tune = domain.cputune
    if tune is not None and (tune.cachetunes or tune.memorytunes) and domain.type != "kvm":
        raise unsupported("cachetune is only supported for KVM domains")
    if features is not None and features.tcg is not None and (features.tcg.tb_cache or 0) % 1024:
        raise unsupported("tb-cache size must be an integer multiple of MiB")


def _validate_sleep(pm: PM, domain: Domain, emulator: EmulatorFacts) -> None:
    """The chip that can be told not to let the guest sleep is there."""
    for name, suspend in (("S3", pm.suspend_to_mem), ("S4", pm.suspend_to_disk)):
        flag = f"disable-{name.lower()}"
        has_chip = emulator.has(flag) or (machines.is_q35(domain) and emulator.has(f"ich9-{flag}"))
        if suspend is not None and suspend.enabled is not None and not has_chip:
            raise unsupported(f"setting ACPI {name} not supported")


def validate_actions(domain: Domain) -> None:
    """What happens when the guest ends: QEMU itself can only end or start again."""
    ends = (domain.on_poweroff, domain.on_reboot)
    if "rename-restart" in (*ends, domain.on_crash):
        raise unsupported(
            "qemu driver doesn't support the 'rename-restart' action for 'on_reboot'/'on_poweroff'/'on_crash'"
        )
    if "preserve" in ends:
        raise unsupported("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'")
    if ends == ("restart", "destroy"):
        raise unsupported("qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'")


def _validate_firmware_entries(sysinfo: Sysinfo) -> None:
    for entry in sysinfo.entries:
        if not entry.name.startswith("opt/"):
            raise unsupported("Invalid firmware name")
        if entry.name.startswith(("opt/ovmf/", "opt/org.qemu/")):
            raise unsupported("That firmware name is reserved")


def _validate_smm(smm: SMM, domain: Domain) -> None:
    if smm.tseg is None:
        return
    if not machines.is_q35(domain):
        raise unsupported("SMM TSEG is only supported with q35 machine type")
    if smm.tseg % _MIB:
        raise unsupported("SMM TSEG size must be divisible by 1 MiB")


def _validate_memory(domain: Domain) -> None:
    has_nodes = domain.cpu and domain.cpu.numa and domain.cpu.numa.cells
    if domain.max_memory is not None and not has_nodes and not machines.is_pseries(domain):
        raise unsupported("At least one numa node has to be configured when enabling memory hotplug")
    backing = domain.memory_backing
    if backing and backing.hugepages:
        if backing.source and backing.source.type == "anonymous":
            raise unsupported("hugepages are not allowed with anonymous memory source")
        if backing.allocation and backing.allocation.mode == "ondemand":
            raise unsupported("hugepages are not allowed with memory allocation ondemand")
    if domain.memtune and domain.memtune.min_guarantee:
        raise unsupported("Parameter 'min_guarantee' not supported by QEMU.")
