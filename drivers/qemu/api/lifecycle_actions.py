# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is to happen when a domain powers off, reboots or crashes."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.domain import LifecycleAction
from drivers.common.actions import lifecycle_action
from drivers.common.part import IMPACT, definitions
from drivers.qemu.api.base import Part
from virtd.errors import Code, VirtError, check_flags
from virtd.refs import DomainRef


class LifecycleActionApi(Part):
    """virDomainSetLifecycleAction."""

    async def domain_set_lifecycle_action(self, dom: DomainRef, type_: int, action: int, flags: int) -> None:
        """virDomainSetLifecycleAction."""
        check_flags(flags, IMPACT, "qemuDomainSetLifecycleAction")
        event, wanted = lifecycle_action(type_, action)
        guest = self._guest(dom)
        async with guest.job("modify"):
            live, stored = definitions(guest, flags)
            for changed in (live, stored):
                if changed is not None:
                    _check_pair(changed, event, wanted)
            for changed in (live, stored):
                if changed is not None:
                    setattr(changed, event, wanted)
            await guest.save(live, stored)


def _check_pair(changed: Domain, event: str, wanted: LifecycleAction) -> None:
    """A guest that powers off to be restarted cannot be one whose reboots end it: QEMU tells one end from neither."""
    pair = {"on_poweroff": changed.on_poweroff, "on_reboot": changed.on_reboot, event: wanted}
    if (pair["on_poweroff"], pair["on_reboot"]) == ("restart", "destroy"):
        text = "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
