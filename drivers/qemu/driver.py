# SPDX-License-Identifier: LGPL-2.1-or-later
"""The QEMU driver: its surroundings, its parts, its start and stop."""

from __future__ import annotations

from typing import ClassVar

from drivers.base import Environment, HypervisorDriver
from drivers.qemu.capabilities import CapabilitiesCache
from drivers.qemu.context import QemuContext
from drivers.qemu.guestlist import GuestList
from drivers.qemu.paths import QemuPaths
from drivers.qemu.settings import QemuSettings
from virtd.calls import Connection
from virtd.errors import Code, From, VirtError


class QemuDriver(HypervisorDriver):
    """KVM and emulated guests by QEMU (`qemu:///system`, `qemu:///session`)."""

    error_source: ClassVar[From] = From.QEMU
    schemes: ClassVar[tuple[str, ...]] = ("qemu",)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        paths = QemuPaths.of(environment)
        self.guests = GuestList()
        self.context = QemuContext(
            env=environment,
            paths=paths,
            settings=QemuSettings.load(paths.config.parent / "qemu.conf"),
            capabilities=CapabilitiesCache(paths.cache / "capabilities", environment.tasks),
            guests=self.guests,
        )

    def connect_open(self, connection: Connection, path: str) -> str:
        """virConnectOpen.

        Raises:
            VirtError: INTERNAL_ERROR: a path that is not this daemon's.
        """
        own = "/system" if self.env.privileged else "/session"
        if path != own and not (self.env.privileged and path == "/session"):
            raise VirtError(Code.INTERNAL_ERROR, f"unexpected qemu URI path '{path}', try qemu://{own}")
        return f"qemu://{path}"
