# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is to happen when a domain powers off, reboots or crashes."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.domain import LifecycleAction
from drivers.common.part import IMPACT, definitions
from drivers.qemu.api.base import Part
from virtd.enums import DomainLifecycle
from virtd.errors import Code, From, VirtError, check_flags
from virtd.refs import DomainRef

#: `virDomainLifecycle` → the attribute of the definition.
_EVENTS = {
    DomainLifecycle.POWEROFF: "on_poweroff",
    DomainLifecycle.REBOOT: "on_reboot",
    DomainLifecycle.CRASH: "on_crash",
}
#: In the order of `virDomainLifecycleAction`.
_ACTIONS: tuple[LifecycleAction, ...] = (
    "destroy",
    "restart",
    "rename-restart",
    "preserve",
    "coredump-destroy",
    "coredump-restart",
)
_CRASH_ONLY = ("coredump-destroy", "coredump-restart")


class LifecycleActionApi(Part):
    """virDomainSetLifecycleAction."""

    async def domain_set_lifecycle_action(self, dom: DomainRef, type_: int, action: int, flags: int) -> None:
        """virDomainSetLifecycleAction."""
        check_flags(flags, IMPACT, "qemuDomainSetLifecycleAction")
        event, wanted = _check(type_, action)
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


def _check(type_: int, action: int) -> tuple[str, LifecycleAction]:
    if type_ not in _EVENTS:
        raise _invalid(f"invalid lifecycle type '{type_}'")
    if action >= len(_ACTIONS):
        raise _invalid(f"invalid lifecycle action '{action}'")
    if _ACTIONS[action] in _CRASH_ONLY and type_ != DomainLifecycle.CRASH:
        raise _invalid(f"invalid lifecycle action '{action}'")
    return _EVENTS[type_], _ACTIONS[action]


def _invalid(text: str) -> VirtError:
    return VirtError(Code.INVALID_ARG, text, source=From.DOMAIN)


def _check_pair(changed: Domain, event: str, wanted: LifecycleAction) -> None:
    """A guest that powers off to be restarted cannot be one whose reboots end it: QEMU tells one end from neither."""
    pair = {"on_poweroff": changed.on_poweroff, "on_reboot": changed.on_reboot, event: wanted}
    if (pair["on_poweroff"], pair["on_reboot"]) == ("restart", "destroy"):
        text = "qemu driver doesn't support 'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text)
