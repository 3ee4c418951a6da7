# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connection tells of the driver itself."""

from __future__ import annotations

import platform
import re

from conf.capabilities import format_capabilities
from drivers.common.hostsysinfo import host_sysinfo
from drivers.lxc.api.base import Part
from drivers.lxc.capabilities import describe_guests, describe_host
from virtd.errors import Code, VirtError, check_flags
from virtd.threads import in_thread

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


class ConnectionApi(Part):
    """virConnectGetType, virConnectGetVersion, virConnectGetCapabilities, virConnectGetSysinfo."""

    def connect_get_type(self) -> str:
        """virConnectGetType."""
        return "LXC"

    def connect_get_version(self) -> int:
        """virConnectGetVersion: the kernel's, major * 1000000 + minor * 1000 + release."""
        found = _VERSION.match(platform.release())
        if found is None:
            raise VirtError(Code.INTERNAL_ERROR, f"Unknown release: {platform.release()}")
        major, minor, release = (int(part or 0) for part in found.groups())
        return major * 1_000_000 + minor * 1000 + release

    async def connect_get_capabilities(self) -> str:
        """virConnectGetCapabilities."""
        return format_capabilities(await in_thread(describe_host), describe_guests())

    async def connect_get_sysinfo(self, flags: int) -> str:
        """virConnectGetSysinfo."""
        check_flags(flags, 0, "lxcConnectGetSysinfo")
        return await host_sysinfo()
