# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processors: model, cache, topology, numbers, NUMA."""

from __future__ import annotations

from itertools import pairwise

from conf.domain import Domain
from conf.domain.cpu import CPU, CPUCache, CPUMaxPhysAddr, CPUTopology
from conf.domain.cputune import VcpuEntry
from conf.domain.devices.iommu import IOMMU
from drivers.qemu import machines
from drivers.qemu.facts import EmulatorFacts, Machine
from drivers.qemu.validate.complaints import contradiction, unsupported

_HOST_MODES = ("host-passthrough", "maximum")
_SHARED_CACHE = 3
#: More processors than this have numbers that plain interrupts do not reach.
_XAPIC_CPUS = 255


def validate_cpus(domain: Domain, emulator: EmulatorFacts, machine: Machine) -> None:
    """The guest's processors fit the machine and each other.

    Raises:
        VirtError: what does not.
    """
    _validate_count(domain, machine)
    cpu = domain.cpu
    if cpu is None:
        return
    _validate_model(cpu, emulator)
    if cpu.cache is not None:
        _validate_cache(cpu.cache, cpu, domain)
    if cpu.maxphysaddr is not None:
        _validate_address_bits(cpu.maxphysaddr, domain)
    if cpu.topology is not None:
        _validate_topology(cpu.topology, domain)


def _validate_count(domain: Domain, machine: Machine) -> None:
    vcpu, limit = domain.vcpu, machine.max_cpus
    if limit and vcpu.count > limit:
        raise unsupported(f"Maximum CPUs greater than specified machine type limit {limit}")
    if vcpu.count > _XAPIC_CPUS and machines.is_q35(domain) and not _has_extended_interrupts(domain.devices.iommu):
        raise unsupported("more than 255 vCPUs require extended interrupt mode enabled on the iommu device")
    if vcpu.current == 0:
        raise unsupported("vcpu 0 can't be offline")
    if domain.vcpus:
        _validate_single_vcpus(domain.vcpus)


def _has_extended_interrupts(iommu: IOMMU | None) -> bool:
    return bool(iommu and iommu.driver and iommu.driver.eim)


def _validate_single_vcpus(vcpus: list[VcpuEntry]) -> None:
    """The first one is there from the start, and so are those after it that cannot be plugged."""
    first = vcpus[0]
    if not first.enabled:
        raise unsupported("vcpu 0 can't be offline")
    if first.hotpluggable:
        raise unsupported("vcpu0 can't be hotpluggable")
    if first.order not in (None, 1):
        raise unsupported("vcpu0 must be enabled first")
    for before, vcpu in pairwise(vcpus):
        if vcpu.enabled and (vcpu.order is None) != (first.order is None):
            raise unsupported("all vcpus must have either set or unset order")
        if vcpu.hotpluggable:
            continue
        if before.hotpluggable:
            raise unsupported("online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus")
        if (before.order or 0) > (vcpu.order or 0):
            raise unsupported("online non-hotpluggable vcpus must be ordered in ascending order")


def _validate_model(cpu: CPU, emulator: EmulatorFacts) -> None:
    if cpu.mode == "maximum" and not emulator.has("cpu-max"):
        raise unsupported("maximum CPU is not supported by QEMU binary")
    if cpu.mode == "host-passthrough" and cpu.migratable and not emulator.has("cpu.migratable"):
        raise unsupported("Migratable attribute for host-passthrough CPU is not supported by QEMU binary")
    if not cpu.features:
        return
    if cpu.mode == "custom" and (cpu.model is None or cpu.model.name is None):
        raise contradiction("Non-empty feature list specified without CPU model")
    _validate_vector_lengths(cpu)


def _validate_vector_lengths(cpu: CPU) -> None:
    """Lengths of SVE vectors are features named sve128, sve256 …"""
    policies = {feature.name: feature.policy for feature in cpu.features}
    lengths = any(name.startswith("sve") and name != "sve" and policies[name] != "disable" for name in policies)
    if lengths and policies.get("sve") == "disable":
        raise unsupported("SVE disabled, but SVE vector lengths provided")


def _validate_cache(cache: CPUCache, cpu: CPU, domain: Domain) -> None:
    if not machines.is_x86(domain):
        raise unsupported(f"CPU cache specification is not supported for '{domain.os.arch}' architecture")
    if cache.mode == "emulate" and cache.level != _SHARED_CACHE:
        raise unsupported("CPU cache mode 'emulate' can only be used with level='3'")
    if cache.mode == "passthrough":
        if cpu.mode not in _HOST_MODES:
            raise unsupported("CPU cache mode 'passthrough' can only be used with 'host-passthrough' / 'maximum' CPUs")
        if cache.level is not None:
            raise unsupported("unsupported CPU cache level for mode 'passthrough'")
    if cache.mode == "disable" and cache.level is not None:
        raise unsupported("unsupported CPU cache level for mode 'disable'")


def _validate_address_bits(address: CPUMaxPhysAddr, domain: Domain) -> None:
    if not machines.is_x86(domain):
        raise unsupported(
            f"CPU maximum physical address bits specification is not supported for '{domain.os.arch}' architecture"
        )
    if address.mode == "passthrough":
        if address.bits is not None:
            raise unsupported(
                "CPU maximum physical address bits number specification cannot be used with mode='passthrough'"
            )
    elif address.bits is None:
        raise unsupported("if using CPU maximum physical address mode='emulate', bits= must be specified too")


def _validate_topology(topology: CPUTopology, domain: Domain) -> None:
    count = topology.sockets * topology.dies * topology.cores * topology.threads
    if count != domain.vcpu.count:
        raise unsupported("CPU topology doesn't match maximum vcpu count")
