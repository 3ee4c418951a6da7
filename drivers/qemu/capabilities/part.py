# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API calls about what the host and its emulators can do."""

from __future__ import annotations

import asyncio

from conf.capabilities import BaseLabel, SecurityModel, format_capabilities, format_domain_capabilities
from drivers.common.cpu.cpu_map import load_cpu_map
from drivers.qemu.api.base import Part
from drivers.qemu.capabilities.arch import ARCHES, ARM, S390, WITH_CPU_MODELS
from drivers.qemu.capabilities.choice import choose_emulator_for
from drivers.qemu.capabilities.domain import domain_capabilities
from drivers.qemu.capabilities.emulators import installed_emulators
from drivers.qemu.capabilities.firmware import load_firmwares
from drivers.qemu.capabilities.host import describe_guests, describe_host
from drivers.qemu.capabilities.model import Summary
from drivers.qemu.settings import account
from virtd.errors import Code, VirtError, check_flags, invalid_arg
from virtd.threads import in_thread

#: Architectures whose CPU models are QEMU's own affair.
_ALL_MODELS_ACCEPTED = ARM | S390 | {"armv7b"}


class CapabilitiesPart(Part):
    """virConnectGetCapabilities and its like."""

    async def connect_get_capabilities(self) -> str:
        """virConnectGetCapabilities.  An emulator that cannot be used is left out."""
        emulators = installed_emulators(self._context.capabilities.host_arch)
        paths = sorted(set(emulators.values()))
        host, answers = await asyncio.gather(
            in_thread(describe_host, self._context.capabilities.host_arch, self._security_models()),
            asyncio.gather(*map(self._summary, paths)),
        )
        by_path = dict(zip(paths, answers, strict=True))
        guests = [(arch, found) for arch, path in emulators.items() if (found := by_path[path]) is not None]
        return await in_thread(format_capabilities, host, describe_guests(guests))

    async def connect_get_domain_capabilities(
        self, emulatorbin: str | None, arch: str | None, machine: str | None, virttype: str | None, flags: int
    ) -> str:
        """virConnectGetDomainCapabilities.

        Raises:
            VirtError: INVALID_ARG, the emulator does not do what is asked for; CONFIG_UNSUPPORTED, there is none.
        """
        check_flags(flags, 0, "qemuConnectGetDomainCapabilities")
        choice = await choose_emulator_for(self._context.capabilities, emulatorbin, arch, machine, virttype)
        guest_arch = arch or choice.capabilities.arch
        cpu_map = await in_thread(load_cpu_map, guest_arch)
        firmwares = await in_thread(load_firmwares)
        return format_domain_capabilities(
            domain_capabilities(choice.capabilities, choice.virt_type, guest_arch, choice.machine, cpu_map, firmwares)
        )

    async def connect_get_cpu_model_names(self, arch: str, flags: int) -> list[str]:
        """virConnectGetCPUModelNames.

        Raises:
            VirtError: INVALID_ARG, no such architecture; NO_SUPPORT, nothing is known of its CPUs.
        """
        check_flags(flags, 0, "qemuConnectGetCPUModelNames")
        if arch not in ARCHES:
            raise invalid_arg(f"cannot find architecture {arch}")
        if arch not in WITH_CPU_MODELS:
            raise VirtError(Code.NO_SUPPORT, f"'{arch}' architecture is not supported by CPU driver")
        if arch in _ALL_MODELS_ACCEPTED:
            return []
        known = list((await in_thread(load_cpu_map, arch)).models)
        return known or await self._models_of_emulator(arch)

    async def _models_of_emulator(self, arch: str) -> list[str]:
        """Without a map of CPUs: those that QEMU knows."""
        choice = await choose_emulator_for(self._context.capabilities, None, arch, None, None)
        return [model.name for model in choice.capabilities.cpu_facts(choice.virt_type).models]

    async def _summary(self, path: str) -> Summary | None:
        try:
            return await self._context.capabilities.summary(path)
        except VirtError:
            return None

    def _security_models(self) -> list[SecurityModel]:
        whom = account(self._context.settings, privileged=self._context.env.privileged)
        if whom is None:
            return [SecurityModel(model="none", doi="0")]
        labels = [BaseLabel(type=type_, label=whom.label) for type_ in ("kvm", "qemu")]
        return [SecurityModel(model="none", doi="0"), SecurityModel(model="dac", doi="0", labels=labels)]
