# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API calls about what the host and its emulators can do."""

from __future__ import annotations

import asyncio

from conf.capabilities import BaseLabel, SecurityModel, format_capabilities, format_domain_capabilities
from drivers.qemu.api.base import Part
from drivers.qemu.capabilities.arch import ARCHES, ARM, PPC64, S390, X86, kvm_can_run
from drivers.qemu.capabilities.domain import domain_capabilities
from drivers.qemu.capabilities.emulators import installed_emulators
from drivers.qemu.capabilities.firmware import load_firmwares
from drivers.qemu.capabilities.host import describe_guests, describe_host
from drivers.qemu.capabilities.model import Capabilities, MachineType, Summary
from drivers.qemu.cpu.cpu_map import load_cpu_map
from drivers.qemu.settings import account
from virtd.errors import Code, VirtError, check_flags, invalid_arg

#: Hypervisor types that the API knows and this driver has.
_VIRT_TYPES = frozenset({"kvm", "qemu"})

#: Architectures whose CPU models are QEMU's own affair.
_ALL_MODELS_ACCEPTED = ARM | S390 | {"armv7b"}
_ARCHES_WITH_MODELS = _ALL_MODELS_ACCEPTED | X86 | PPC64

_KNOWN_VIRT_TYPES = frozenset(
    {"qemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve"}
    | {"vz", "hvf", "kqemu", "none"}
)


class CapabilitiesPart(Part):
    """virConnectGetCapabilities and its like."""

    async def connect_get_capabilities(self) -> str:
        """virConnectGetCapabilities.  An emulator that cannot be used is left out."""
        emulators = installed_emulators(self._context.capabilities.host_arch)
        paths = sorted(set(emulators.values()))
        host, answers = await asyncio.gather(
            asyncio.to_thread(describe_host, self._context.capabilities.host_arch, self._security_models()),
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
        check_flags(flags, 0, "qemuConnectGetDomainCapabilities")
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
        check_flags(flags, 0, "qemuConnectGetCPUModelNames")
        if arch not in ARCHES:
            raise invalid_arg(f"cannot find architecture {arch}")
        if arch not in _ARCHES_WITH_MODELS:
            raise VirtError(Code.NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")
        if arch in _ALL_MODELS_ACCEPTED:
            return []
        return list((await asyncio.to_thread(load_cpu_map, arch)).models)

    async def _summary(self, path: str) -> Summary | None:
        try:
            return await self._context.capabilities.summary(path)
        except VirtError:
            return None

    async def _choose(self, path: str | None, arch: str | None, virt_type: str | None) -> Capabilities:
        """The emulator that is meant, by what the client says of it."""
        if virt_type is not None and virt_type not in _KNOWN_VIRT_TYPES:
            raise invalid_arg(f"unknown virttype: {virt_type}")
        if arch is not None and arch not in ARCHES:
            raise invalid_arg(f"unknown architecture: {arch}")
        if path is not None:
            found = await self._context.capabilities.get(path)
            if arch is not None and arch != found.arch:
                raise invalid_arg(
                    f"architecture from emulator '{found.arch}' doesn't match given architecture '{arch}'"
                )
            return found
        wanted = arch or self._context.capabilities.host_arch
        emulator = self._context.capabilities.emulator_for(wanted, "qemu")
        if emulator is None:
            raise VirtError(Code.CONFIG_UNSUPPORTED, f"unable to find any emulator to serve '{wanted}' architecture")
        return await self._context.capabilities.get(emulator)

    def _security_models(self) -> list[SecurityModel]:
        whom = account(self._context.settings, privileged=self._context.env.privileged)
        if whom is None:
            return [SecurityModel(model="none", doi="0")]
        labels = [BaseLabel(type=type_, label=whom.label) for type_ in ("kvm", "qemu")]
        return [SecurityModel(model="none", doi="0"), SecurityModel(model="dac", doi="0", labels=labels)]


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
