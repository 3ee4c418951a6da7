# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which emulator, machine and hypervisor type a client means by what it says of them, and that they go together."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.qemu.capabilities.arch import ARCHES, kvm_can_run
from drivers.qemu.capabilities.cache import CapabilitiesCache
from drivers.qemu.capabilities.model import Capabilities, MachineType
from virtd.errors import Code, VirtError, invalid_arg

#: Hypervisor types of this driver, and those of all others.
_VIRT_TYPES = frozenset({"kvm", "qemu"})
_KNOWN_VIRT_TYPES = _VIRT_TYPES | {
    *("xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve", "vz", "hvf"),
    *("kqemu", "none"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was meant."""

    capabilities: Capabilities
    virt_type: str
    machine: MachineType | None


async def choose_emulator_for(
    cache: CapabilitiesCache, path: str | None, arch: str | None, machine: str | None, virt_type: str | None
) -> Choice:
    """Complete what is left open: the host's architecture, its emulator, KVM if it can, the default machine.

    Raises:
        VirtError: INVALID_ARG, they do not go together; CONFIG_UNSUPPORTED, there is no such emulator.
    """
    if virt_type is not None and virt_type not in _KNOWN_VIRT_TYPES:
        raise invalid_arg(f"unknown virttype: {virt_type}")
    if arch is not None and arch not in ARCHES:
        raise invalid_arg(f"unknown architecture: {arch}")
    found = await _find(cache, path, arch)
    kind = virt_type or ("kvm" if found.kvm else "qemu")
    _check_virt_type(found, kind)
    return Choice(found, kind, _choose_machine(found, machine, kind))


async def _find(cache: CapabilitiesCache, path: str | None, arch: str | None) -> Capabilities:
    if path is not None:
        found = await cache.get(path)
        if arch is not None and arch != found.arch:
            raise invalid_arg(f"architecture from emulator '{found.arch}' doesn't match given architecture '{arch}'")
        return found
    wanted = arch or cache.host_arch
    emulator = cache.emulator_for(wanted)
    if emulator is None:
        raise VirtError(Code.CONFIG_UNSUPPORTED, f"unable to find any emulator to serve '{wanted}' architecture")
    return await cache.get(emulator)


def _check_virt_type(found: Capabilities, virt_type: str) -> None:
    if virt_type not in _VIRT_TYPES:
        raise invalid_arg(f"Emulator '{found.path}' does not support virt type '{virt_type}'")
    if virt_type == "kvm" and not (found.kvm and kvm_can_run(found.host_arch, found.arch)):
        raise invalid_arg(f"the accel 'kvm' is not supported by '{found.path}' on this host")


def _choose_machine(found: Capabilities, name: str | None, virt_type: str) -> MachineType | None:
    chosen = found.machine(name or found.default_machine or "", virt_type)
    if chosen is None and name is not None:
        raise invalid_arg(f"the machine '{name}' is not supported by emulator '{found.path}'")
    return chosen
