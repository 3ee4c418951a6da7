# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API calls about what the host and its emulators can do."""

from __future__ import annotations

import asyncio
from typing import Final

from conf.capabilities import BaseLabel, SecurityModel, format_capabilities, format_domain_capabilities
from drivers.qemu.capabilities.arch import ARCHES, ARM, PPC64, S390, X86, kvm_can_run
from drivers.qemu.capabilities.cache import CapabilitiesCache
from drivers.qemu.capabilities.domain import domain_capabilities
from drivers.qemu.capabilities.emulators import installed_emulators
from drivers.qemu.capabilities.firmware import load_firmwares
from drivers.qemu.capabilities.host import describe_guests, describe_host
from drivers.qemu.capabilities.model import Capabilities, MachineType, Summary
from drivers.qemu.cpu.cpu_map import load_cpu_map
from drivers.qemu.cpu.host import kvm_max_vcpus
from virtd.errors import Code, VirtError, check_flags, invalid_arg

#: The most virtual CPUs QEMU emulates without KVM, as virConnectGetMaxVcpus answers.
_MAX_EMULATED_VCPUS: Final = 16

#: Hypervisor types that the API knows and this driver has.
_VIRT_TYPES = frozenset({"kvm", "qemu"})

#: Architectures whose CPU models are QEMU's own affair.
_ALL_MODELS_ACCEPTED = ARM | S390 | {"armv7b"}
_ARCHES_WITH_MODELS = _ALL_MODELS_ACCEPTED | X86 | PPC64

_KNOWN_VIRT_TYPES = frozenset(
    {"qemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve"}
    | {"vz", "hvf", "kqemu", "none"}
)


class CapabilitiesPart:
    """virConnectGetCapabilities and its like."""

    def __init__(self, cache: CapabilitiesCache, guest_label: str | None) -> None:
        """`guest_label` is the account guests run under, as the DAC security model has it; None: the daemon's own."""
        self._cache = cache
        self._guest_label = guest_label

    def connect_get_type(self) -> str:
        """virConnectGetType."""
        return "QEMU"

    async def connect_get_version(self) -> int:
        """virConnectGetVersion: that of the emulator for guests of the host's own kind."""
        return (await self._default()).version

    def connect_get_max_vcpus(self, type_: str | None) -> int:
        """virConnectGetMaxVcpus.

        Raises:
            VirtError: INVALID_ARG, no such type.
        """
        match type_:
            case None | "qemu" | "QEMU":
                return _MAX_EMULATED_VCPUS
            case "kvm" | "KVM":
                return _kvm_max_vcpus()
            case _:
                raise invalid_arg(f"unknown type '{type_}'")

    async def connect_get_capabilities(self) -> str:
        """virConnectGetCapabilities.  An emulator that cannot be used is left out."""
        emulators = installed_emulators(self._cache.host_arch)
        paths = sorted(set(emulators.values()))
        host, answers = await asyncio.gather(
            asyncio.to_thread(describe_host, self._cache.host_arch, self._security_models()),
            asyncio.gather(*map(self._summary, paths)),
        )
        by_path = dict(zip(paths, answers, strict=True))
        guests = [(arch, found) for arch, path in emulators.items() if (found := by_path[path]) is not None]
        return await asyncio.to_thread(format_capabilities, host, describe_guests(guests))

    async def connect_get_domain_capabilities(
        self, emulatorbin: str | None, arch: str | None, machine: str | None, virttype: str | None, flags: int
    ) -> str:
        """virConnectGetDomainCapabilities.

        Raises:
            VirtError: INVALID_ARG, the emulator does not do what is asked for; CONFIG_UNSUPPORTED, there is none.
        """
        check_flags(flags, 0, "virConnectGetDomainCapabilities")
        found = await self._choose(emulatorbin, arch, virttype)
        kind = virttype or ("kvm" if found.kvm else "qemu")
        _check_virt_type(found, kind)
        chosen = _choose_machine(found, machine, kind)
        guest_arch = arch or found.arch
        cpu_map = await asyncio.to_thread(load_cpu_map, guest_arch)
        firmwares = await asyncio.to_thread(load_firmwares)
        return format_domain_capabilities(domain_capabilities(found, kind, guest_arch, chosen, cpu_map, firmwares))

    async def connect_get_cpu_model_names(self, arch: str, flags: int) -> list[str]:
        """virConnectGetCPUModelNames.

        Raises:
            VirtError: INVALID_ARG, no such architecture; NO_SUPPORT, nothing is known of its CPUs.
        """
        check_flags(flags, 0, "virConnectGetCPUModelNames")
        if arch not in ARCHES:
            raise invalid_arg(f"cannot find architecture {arch}")
        if arch not in _ARCHES_WITH_MODELS:
            raise VirtError(Code.NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")
        if arch in _ALL_MODELS_ACCEPTED:
            return []
        return list((await asyncio.to_thread(load_cpu_map, arch)).models)

    async def _summary(self, path: str) -> Summary | None:
        try:
            return await self._cache.summary(path)
        except VirtError:
            return None

    async def _default(self) -> Capabilities:
        return await self._choose(None, None, None)

    async def _choose(self, path: str | None, arch: str | None, virt_type: str | None) -> Capabilities:
        """The emulator that is meant, by what the client says of it."""
        if virt_type is not None and virt_type not in _KNOWN_VIRT_TYPES:
            raise invalid_arg(f"unknown virttype: {virt_type}")
        if arch is not None and arch not in ARCHES:
            raise invalid_arg(f"unknown architecture: {arch}")
        if path is not None:
            found = await self._cache.get(path)
            if arch is not None and arch != found.arch:
                raise invalid_arg(
                    f"architecture from emulator '{found.arch}' doesn't match given architecture '{arch}'"
                )
            return found
        wanted = arch or self._cache.host_arch
        emulator = self._cache.emulator_for(wanted, "qemu")
        if emulator is None:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"unable to find any emulator to serve '{wanted}' architecture")
        return await self._cache.get(emulator)

    def _security_models(self) -> list[SecurityModel]:
        if self._guest_label is None:
            return [SecurityModel(model="none", doi="0")]
        labels = [BaseLabel(type=type_, label=self._guest_label) for type_ in ("kvm", "qemu")]
        return [SecurityModel(model="none", doi="0"), SecurityModel(model="dac", doi="0", labels=labels)]


def _kvm_max_vcpus() -> int:
    found = kvm_max_vcpus()
    if found is None:
        raise VirtError(Code.SYSTEM_ERROR, "Unable to open /dev/kvm")
    return found


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
