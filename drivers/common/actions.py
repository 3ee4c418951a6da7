# SPDX-License-Identifier: LGPL-2.1-or-later
"""What virDomainSetLifecycleAction can set."""

from __future__ import annotations

from conf.domain.domain import LifecycleAction
from virtd.enums import DomainLifecycle
from virtd.errors import Code, From, VirtError

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


def lifecycle_action(type_: int, action: int) -> tuple[str, LifecycleAction]:
    """The attribute of the definition that is meant, and its new value.

    Raises:
        VirtError: INVALID_ARG, there is no such event or action; CONFIG_UNSUPPORTED, not this action for that event.
    """
    if type_ not in _EVENTS:
        raise _invalid(f"invalid lifecycle type '{type_}'")
    if action >= len(_ACTIONS):
        raise _invalid(f"invalid lifecycle action '{action}'")
    if _ACTIONS[action] in _CRASH_ONLY and type_ != DomainLifecycle.CRASH:
        text = f"Lifecycle event '{_EVENTS[type_].removeprefix('on_')}' doesn't support '{_ACTIONS[action]}' action"
        raise VirtError(Code.CONFIG_UNSUPPORTED, text, source=From.DOMAIN)
    return _EVENTS[type_], _ACTIONS[action]


def _invalid(text: str) -> VirtError:
    return VirtError(Code.INVALID_ARG, text, source=From.DOMAIN)
