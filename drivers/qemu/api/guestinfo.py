# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of a guest's inside, and of what it left behind."""

from __future__ import annotations

import os

from drivers.qemu.api.base import Part
from drivers.qemu.api.power import agent_missing
from drivers.qemu.block import commands
from drivers.qemu.lifecycle.device_events import disk_by_device
from virtd.enums import DomainDiskErrorCode, DomainGetHostnameFlags
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef

_HOSTNAME_FLAGS = DomainGetHostnameFlags.LEASE | DomainGetHostnameFlags.AGENT
_DISK_ERRORS = {"failed": DomainDiskErrorCode.UNSPEC, "nospace": DomainDiskErrorCode.NO_SPACE}


class GuestInfoApi(Part):
    """virDomainGetHostname, virDomainGetDiskErrors, virDomain…ManagedSave… of guests that are never saved yet."""

    def domain_get_hostname(self, dom: DomainRef, flags: int) -> str:
        """virDomainGetHostname."""
        check_flags(flags, _HOSTNAME_FLAGS, "qemuDomainGetHostname")
        guest = self._running(dom)
        if flags & DomainGetHostnameFlags.LEASE:
            raise VirtError(Code.NO_HOSTNAME, f"no hostname found for domain {guest.name}")
        raise agent_missing(guest)

    async def domain_get_disk_errors(self, dom: DomainRef, flags: int) -> list[tuple[str, int]]:
        """virDomainGetDiskErrors: (disk, `virDomainDiskErrorCode`) of disks with an error."""
        check_flags(flags, 0, "qemuDomainGetDiskErrors")
        guest = self._running(dom)
        errors = []
        for drive in await commands.query_block(guest.monitor):
            code = _DISK_ERRORS.get(str(drive.get("io-status")))
            disk = disk_by_device(guest.require_active(), str(drive.get("qdev") or drive.get("device")))
            if code is not None and disk is not None:
                errors.append((disk.target.dev, code))
        return errors

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int) -> int:
        """virDomainHasManagedSaveImage."""
        check_flags(flags, 0, "qemuDomainHasManagedSaveImage")
        self._guest(dom)
        return 0

    def domain_managed_save_remove(self, dom: DomainRef, flags: int) -> None:
        """virDomainManagedSaveRemove."""
        check_flags(flags, 0, "qemuDomainManagedSaveRemove")
        path = self._context.paths.lib / "save" / f"{self._guest(dom).name}.save"
        text = f"Failed to remove managed save file '{path}': {os.strerror(2)}"
        raise VirtError(Code.SYSTEM_ERROR, text)
