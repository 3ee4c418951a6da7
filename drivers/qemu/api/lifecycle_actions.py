# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is to happen when a domain powers off, reboots or crashes."""

from __future__ import annotations

from drivers.common.actions import lifecycle_action
from drivers.common.part import IMPACT, definitions
from drivers.qemu.api.base import Part
from drivers.qemu.lifecycle import running
from drivers.qemu.validate.system import validate_actions
from virtd.errors import check_flags
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
                    validate_actions(changed.model_copy(update={event: wanted}))
            for changed in (live, stored):
                if changed is not None:
                    setattr(changed, event, wanted)
            if live is not None and event == "on_reboot":
                await running.set_reboot_action(guest)
            await guest.save(live, stored)
