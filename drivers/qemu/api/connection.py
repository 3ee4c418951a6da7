# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connection tells of the driver itself."""

from __future__ import annotations

from drivers.qemu.api.base import Part
from virtd.errors import Code, VirtError, check_flags

#: The most virtual CPUs of a guest that QEMU emulates, and the least bound where the emulator says none.
_MAX_VCPUS_EMULATED = 16


class ConnectionApi(Part):
    """virConnectGetType, virConnectGetVersion, virConnectGetMaxVcpus, virConnectGetSysinfo."""

    def connect_get_type(self) -> str:
        """virConnectGetType."""
        return "QEMU"

    async def connect_get_version(self) -> int:
        """virConnectGetVersion: of the host's own emulator, major * 1000000 + minor * 1000 + release."""
        capabilities = self._context.capabilities
        path = capabilities.emulator_for(capabilities.host_arch, "qemu")
        if path is None:
            return 0
        return (await capabilities.summary(path)).version

    async def connect_get_max_vcpus(self, type_: str | None) -> int:
        """virConnectGetMaxVcpus."""
        capabilities = self._context.capabilities
        if type_ is None or type_.lower() == "qemu":
            return _MAX_VCPUS_EMULATED
        if type_.lower() != "kvm":
            raise VirtError(Code.INVALID_ARG, f"unknown type '{type_}'")
        path = capabilities.emulator_for(capabilities.host_arch, "kvm")
        if path is None:
            raise VirtError(Code.OPERATION_FAILED, "KVM is not available on this host")
        return max((m.max_cpus for m in (await capabilities.summary(path)).machines), default=_MAX_VCPUS_EMULATED)

    def connect_get_sysinfo(self, flags: int) -> str:
        """virConnectGetSysinfo; the host's firmware tables are not read yet."""
        check_flags(flags, 0, "qemuConnectGetSysinfo")
        raise VirtError(Code.CONFIG_UNSUPPORTED, "Host SMBIOS information is not available")
