# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connection tells of the driver itself."""

from __future__ import annotations

import fcntl
import os

from drivers.common.hostsysinfo import host_sysinfo
from drivers.qemu.api.base import Part
from virtd.errors import Code, VirtError, check_flags

#: The most virtual CPUs of a guest that QEMU emulates, as libvirt says.
_MAX_VCPUS_EMULATED = 16

KVM_DEVICE = "/dev/kvm"
_KVM_CHECK_EXTENSION = 0xAE03
_KVM_CAP_MAX_VCPUS = 66


class ConnectionApi(Part):
    """virConnectGetType, virConnectGetVersion, virConnectGetMaxVcpus, virConnectGetSysinfo."""

    def connect_get_type(self) -> str:
        """virConnectGetType."""
        return "QEMU"

    async def connect_get_version(self) -> int:
        """virConnectGetVersion: of the host's own emulator, major * 1000000 + minor * 1000 + release."""
        capabilities = self._context.capabilities
        path = capabilities.emulator_for(capabilities.host_arch)
        if path is None:
            return 0
        return (await capabilities.summary(path)).version

    def connect_get_max_vcpus(self, type_: str | None) -> int:
        """virConnectGetMaxVcpus."""
        if type_ is None or type_.lower() == "qemu":
            return _MAX_VCPUS_EMULATED
        if type_.lower() != "kvm":
            raise VirtError(Code.INVALID_ARG, f"unknown type '{type_}'")
        return _max_vcpus_kvm()

    async def connect_get_sysinfo(self, flags: int) -> str:
        """virConnectGetSysinfo."""
        check_flags(flags, 0, "qemuConnectGetSysinfo")
        return await host_sysinfo()


def _max_vcpus_kvm() -> int:
    """The most virtual CPUs that the host's KVM gives a guest."""
    try:
        fd = os.open(KVM_DEVICE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        text = f"Unable to open {KVM_DEVICE}: {os.strerror(error.errno or 0)}"
        raise VirtError(Code.SYSTEM_ERROR, text) from error
    try:
        return fcntl.ioctl(fd, _KVM_CHECK_EXTENSION, _KVM_CAP_MAX_VCPUS)
    finally:
        os.close(fd)
